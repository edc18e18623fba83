"""Connects a second by one thread from the load balancer's side, and what the table costs other ports."""

import json
import statistics

from connect import wait_for
from daemon import Daemon
from netns import Net
from process import wait_until
from service import Service

PORT, BARE, CLOSED = 18898, 18900, 18901
SECONDS = 3


def rates(programs, host, address, port, outcome, rounds):
    """Connects a second in each of `rounds` runs; every connect must have met `outcome`."""
    found = []
    for _ in range(rounds):
        said = json.loads(host.run(programs / "connect_bench", "connect", address, port, SECONDS).stdout)
        total = said["accepted"] + said["refused"] + said["silent"]
        if said[outcome] < 0.99 * total:
            raise RuntimeError(f"{outcome} was expected of port {port}, but {said}")
        found.append(total / said["seconds"])
    return found


def row(name, where, values):
    values = sorted(values)
    return {
        "row": name, "where": where, "unit": "1/s", "n": len(values), "median": statistics.median(values),
        "min": values[0], "max": values[-1],
    }  # fmt: skip


def measure(programs, _rounds):
    rounds = 3
    rows = []
    with Net() as net:
        lb, stranger, node = net.host("lb"), net.host("stranger"), net.host("node")
        service = Service(node)
        node.start(programs / "connect_bench", "serve", BARE)
        wait_for(lb, node.v4, BARE, "accepted")
        plain = rates(programs, lb, node.v4, BARE, "accepted", rounds)
        rows.append(row("accepted", "bare accept and close, no table", plain))
        rows.append(row("refused", "closed port, no table", rates(programs, lb, node.v4, CLOSED, "refused", rounds)))
        daemon = Daemon(node, allow=[lb.v4], globals_={"log-level": "info"})
        wait_for(lb, node.v4, PORT, "accepted")
        rows.append(row("accepted", "healthgate, open", rates(programs, lb, node.v4, PORT, "accepted", rounds)))
        rows.append(row("denied", "healthgate, a stranger", rates(programs, stranger, node.v4, PORT, "silent", rounds)))
        rows.append(row("accepted", "another port, with the table", rates(programs, lb, node.v4, BARE, "accepted", rounds)))
        service.mode("500")
        wait_for(lb, node.v4, PORT, "refused")
        rows.append(row("refused", "healthgate, closed", rates(programs, lb, node.v4, PORT, "refused", rounds)))
        wait_until(lambda: daemon.process.running, 1, "the daemon is alive")
    return sorted(rows, key=lambda one: one["row"])
