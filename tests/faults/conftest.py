"""What the battery's tests share: a net, and the table to which each adds its rows."""

import json
import os
import pathlib
import signal
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

from netns import Net, remove_leftovers  # noqa: E402
from report import lines  # noqa: E402

ROWS = pytest.StashKey[list]()


def pytest_addoption(parser):
    parser.addoption("--rows", help="a JSON file for the table's rows")
    parser.addoption("--part", default="1/1", help="I/N: every Nth test, beginning with the Ith")


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: nothing else may run beside it")
    config.addinivalue_line("markers", "long: only with tests/run --long")
    config.stash[ROWS] = []
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("SIGTERM", 143))  # so that namespaces are removed
    remove_leftovers()


@pytest.hookimpl(trylast=True)  # after -k and -m
def pytest_collection_modifyitems(config, items):
    if os.environ.get("HEALTHGATE_LONG") != "yes":
        long = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)
    part, parts = map(int, config.getoption("--part").split("/"))
    items[:] = items[part - 1 :: parts]


@pytest.fixture
def net(tmp_path):
    with Net(tmp_path) as net:
        yield net


@pytest.fixture
def record(request):
    """Takes a Row for the table."""
    return request.config.stash[ROWS].append


def pytest_terminal_summary(terminalreporter, config):
    rows = [row.value() for row in config.stash[ROWS]]
    if not rows:
        return
    terminalreporter.section("what the load balancer saw")
    for line in lines(rows):
        terminalreporter.write_line(line)
    if config.getoption("--rows"):
        pathlib.Path(config.getoption("--rows")).write_text(json.dumps(rows))
