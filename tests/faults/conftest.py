"""The battery's table: every test adds its rows, and the end of the run prints them and leaves them as JSON."""

import json
import os
import pathlib
import platform
import signal
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

from netns import Net, remove_leftovers  # noqa: E402

ROWS = pytest.StashKey[list]()


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only with tests/run --long")
    config.stash[ROWS] = []
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("SIGTERM", 143))  # so that namespaces are removed
    remove_leftovers()


def pytest_collection_modifyitems(config, items):
    if os.environ.get("HEALTHGATE_LONG") != "yes":
        long = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


@pytest.fixture
def net(tmp_path):
    with Net(tmp_path) as net:
        yield net


@pytest.fixture
def record(request):
    """Takes a Row for the table."""
    return request.config.stash[ROWS].append


def number(value, unit=""):
    return "-" if value is None else f"{value:.2f}{unit}"


def lines(rows):
    yield f"{'fault':58} {'service':10} {'gate may':13} {'accepted':>8} {'refused':>8} {'silent':>7} {'longest':>8} {'normal':>8}"
    for row in rows:
        seen = [row.seen.get(outcome, 0) for outcome in ("accepted", "refused", "silent")]
        mark = "" if not row.wrong else "  WRONG: " + "; ".join(row.wrong)
        yield (
            f"{row.fault:58} {row.health:10} {row.may:13} {seen[0]:8} {seen[1]:8} {seen[2]:7} "
            f"{number(row.longest_refusal, ' s'):>8} {number(row.normal_after, ' s'):>8}{mark}"
        )
    yield "longest: of one refusal; normal: from the fault's end until the gate says what the service says."


def pytest_terminal_summary(terminalreporter, config):
    rows = config.stash[ROWS]
    if not rows:
        return
    terminalreporter.section("what the load balancer saw")
    for line in lines(rows):
        terminalreporter.write_line(line)
    folder = pathlib.Path(os.environ.get("HEALTHGATE_RESULTS") or HERE / "results")
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, Linux {platform.release()}",
        "rows": [row.value() for row in rows],
    }
    (folder / "faults.json").write_text(json.dumps(document, indent=1))
    terminalreporter.write_line(f"As JSON: {folder}/faults.json")
