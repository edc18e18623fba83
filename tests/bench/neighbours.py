"""`nft list ruleset` of a neighbour on a host with 50,000 objects, with and without healthgate beside it."""

import statistics
import time

from connect import wait_for
from daemon import Daemon
from netns import Net
from service import Service

OBJECTS = 50_000


def measure(_programs, rounds):
    with Net() as net:
        lb, node = net.host("lb"), net.host("node")
        Service(node)
        lines = ["table ip neighbour {"] + [f"chain c{number} {{ }}" for number in range(OBJECTS)] + ["}"]
        node.nft(text="\n".join(lines) + "\n")

        def listings():
            took = []
            for _ in range(rounds):
                began = time.monotonic()
                node.run("sh", "-c", "nft list ruleset > /dev/null", timeout=120)
                took.append(1000 * (time.monotonic() - began))
            return sorted(took)

        without = listings()
        Daemon(node, allow=[lb.v4], globals_={"log-level": "info"})
        wait_for(lb, node.v4, 18898, "accepted", timeout=30)
        beside = listings()
    return [
        {
            "row": f"nft list ruleset, {OBJECTS} chains", "where": where, "unit": "ms", "n": len(took),
            "median": statistics.median(took), "min": took[0], "max": took[-1],
        }
        for where, took in (("alone", without), ("beside healthgate", beside))
    ]  # fmt: skip
