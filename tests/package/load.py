"""A client that connects 1,000 times a second, while something is done to the daemon."""

from hammer import Hammer, count
from process import wait_until


def under_load(lb, node, act, port=18898):
    """What that client meets from before `act` until after it: {outcome: how often}."""
    hammer = Hammer(lb, node.v4, port, rate=1000, timeout=2)
    wait_until(lambda: _connects(hammer) > 500, 5, "the client at work")
    act()
    before = _connects(hammer)
    wait_until(lambda: _connects(hammer) > before + 1000, 10, "the client goes on")
    return count(hammer.stop())


def _connects(hammer):
    return hammer.path.read_text().count("\n")
