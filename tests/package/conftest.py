"""Paths and helpers of the package tests. What a machine cannot do is skipped with its reason."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from daemon import BINARY  # noqa: E402
from netns import Net, remove_leftovers  # noqa: E402
from service import Service  # noqa: E402
import machine as machines  # noqa: E402
import rpms as rpm_build  # noqa: E402


def pytest_configure(config):
    remove_leftovers()


@pytest.fixture(scope="session")
def root():
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def binary():
    """The program that was built for these tests."""
    assert os.access(BINARY, os.X_OK), f"{BINARY} is not built"
    return pathlib.Path(BINARY)


@pytest.fixture(scope="session")
def rpms(root):
    """The RPMs of this work tree, in two releases (rpms.py)."""
    if rpm_build.missing():
        pytest.skip(f"RPM: {rpm_build.missing()}")
    return rpm_build.build(root)


@pytest.fixture(scope="session")
def tree(root, binary):
    """A Debian tree with systemd and the libraries of the program."""
    if machines.missing():
        pytest.skip(f"systemd: {machines.missing()}")
    return machines.system_tree(root / "build/machine", binary)


@pytest.fixture
def net(tmp_path):
    with Net(tmp_path) as net:
        yield net


@pytest.fixture
def lb(net):
    return net.host("lb")


@pytest.fixture
def node(net, lb):
    return net.host("node")


@pytest.fixture
def service(node):
    return Service(node, 1936)
