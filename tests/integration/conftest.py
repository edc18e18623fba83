"""Fixtures of the integration tests: a load balancer and a node on a net of their own, and the daemon."""

import os
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))

from daemon import Daemon  # noqa: E402
from netns import Net, remove_leftovers  # noqa: E402
from service import Service  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "timing: asserts times too tight for a sanitizer's build")
    config.addinivalue_line("markers", "tsan: runs under ThreadSanitizer too")
    config.addinivalue_line("markers", "long: only with tests/run --long")
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
def lb(net):
    """The host from which the load balancer asks."""
    return net.host("lb")


@pytest.fixture
def node(net, lb):
    """The host with the service and the daemon; `lb` stands first, as the allowed source."""
    return net.host("node")


@pytest.fixture
def service(node):
    """A healthy HTTP service on the router's health port."""
    return Service(node, 1936)


@pytest.fixture
def start_daemon(node, lb):
    """Starts `healthgate run` on `node`, with daemon.Daemon's arguments. Each is stopped, and judged, at the end."""
    daemons = []

    def start(config=None, **options):
        options.setdefault("host", node)
        daemons.append(Daemon(config=config, allow=[lb.v4, lb.v6], **options))
        return daemons[-1]

    yield start
    for daemon in daemons:
        daemon.finish()
