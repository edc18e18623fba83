"""Paths and helpers of the package tests. What a machine cannot do is skipped with its reason."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from daemon import BINARY  # noqa: E402
from netns import remove_leftovers  # noqa: E402
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
