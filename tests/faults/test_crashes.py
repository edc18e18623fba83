"""Crash between every two steps: the daemon is killed as it enters each system call in turn (kill_at.c).

Each leaves another state of the kernel's table, the port and the state files for the load balancer and for the next
start to live with. The nodes of a sweep do one step each at a time. After the crash a node is left without a daemon
until the lease has run out, with a stand-in on the port, so that a table that still lets in would show; then a daemon
starts from what is there.

The short form kills at some of the steps that change something outside of the process, the long form at all system
calls.
"""

import collections
import math
import os
import pathlib
import re
import signal
import subprocess
import time
from dataclasses import dataclass, field
from socket import create_server

import pytest
from battery import PORT, QUICK, Row
from connect import wait_for
from daemon import Daemon
from hammer import Hammer, count, longest
from process import wait_until
from service import Service

LONG = os.environ.get("HEALTHGATE_LONG") == "yes"
NODES = 8
SHORT = 32  # steps of a sweep in the short form, spread evenly
LEASE = 0.5  # seconds
EXPIRY = 0.2  # seconds after the lease until nothing may be let in
SOURCE = pathlib.Path(__file__).with_name("kill_at.c")
OUTCOMES = {"200": "accepted", "500": "refused"}
STATES = {"200": "open", "500": "closed"}


@dataclass(frozen=True)
class Sweep:
    name: str
    before: str  # the service's mode when the steps begin
    after: str  # and from then on
    globals: dict = field(default_factory=dict)

    @property
    def starts(self):
        return self.before == self.after


SWEEPS = [
    Sweep("start-up", "200", "200"),
    Sweep("start-up, plain table", "500", "500", {"table-owner": "no"}),
    Sweep("opening, plain table", "500", "200", {"table-owner": "no"}),
    Sweep("closing", "200", "500"),
]


@pytest.fixture
def kill_at(tmp_path):
    """The words before a number of a step and a command."""
    program = tmp_path / "kill_at"
    subprocess.run(["cc", "-O2", "-o", program, SOURCE], check=True)
    return [program, "all" if LONG else "steps"]


class Node:
    """A node that is brought to where the steps begin, killed at one of them, watched, and started again."""

    def __init__(self, host, lb, kill_at, sweep):
        self.host, self.lb, self.kill_at, self.sweep = host, lb, kill_at, sweep
        self.service = Service(host, 1936, sweep.before)
        self.daemon = Daemon(host, allow=[lb.v4], keys=QUICK | {"lease": "500ms"}, globals_=sweep.globals)
        wait_for(lb, host.v4, PORT, OUTCOMES[sweep.before])
        self.daemon.kill()
        self.hammer = Hammer(lb, host.v4, PORT, rate=100)
        self.stand_in = None
        self.forbidden = []  # (from, to, why): times at which nobody may be accepted
        if sweep.before == sweep.after == "500":
            self.forbidden.append((0, math.inf, "although its service was ill all the time"))

    def begin(self, step):
        """Everything before the steps, and on; it will die at `step`, with 0 it will not."""
        self.step = step
        self.service.mode(self.sweep.before)
        if self.sweep.starts:
            self.daemon.wrapper = [*self.kill_at, step]
            self.daemon.start(wait=False)
            self.daemon.wrapper = []
            self.tracer = self.daemon.process
        else:
            self.daemon.start()
            wait_for(self.lb, self.host.v4, PORT, OUTCOMES[self.sweep.before])
            self.tracer = self.host.start(*self.kill_at, step, "-p", self.daemon.process.pid)
            wait_until(lambda: "ready" in self.tracer.log(), 5, "the tracer")
            self.service.mode(self.sweep.after)
        self.begun = time.monotonic()

    def steps(self):
        """How many there are until the gate is what the service says."""
        self.begin(0)
        self.wait_state()
        self.tracer.signal(signal.SIGUSR1)
        found = wait_until(lambda: re.search(r"^none (\d+)$", self.tracer.log(), re.MULTILINE), 5, "a count")
        self.end()
        return int(found[1])

    def wait_state(self):
        """Until the gate is what the service says, and the daemon says so."""
        wait_until(lambda: self.daemon.command("status", check=False).returncode in (0, 1), 10, "its control socket")
        self.daemon.wait_gate(STATES[self.sweep.after])
        wait_for(self.lb, self.host.v4, PORT, OUTCOMES[self.sweep.after])

    def end(self):
        self.tracer.end()  # and with it a daemon that it has started
        self.daemon.kill()

    def wait_crash(self):
        """A run may need fewer steps than the one in which they were counted; it is killed when it has done them."""
        try:
            self.tracer.wait(timeout=max(0.1, self.begun + 2 - time.monotonic()))
        except TimeoutError:
            self.end()
        self.daemon.process.wait()
        self.gone = time.monotonic() + LEASE + EXPIRY
        if "inet healthgate" in self.host.run("nft", "list", "tables").stdout:
            with self.host.inside():
                self.stand_in = create_server(("0.0.0.0", PORT), backlog=512)

    def start_again(self):
        self.started = time.monotonic()
        if self.stand_in:
            self.stand_in.close()
            self.stand_in = None
            self.forbidden.append((self.gone, self.started, f"after the crash at step {self.step}"))
        self.daemon.start(wait=False)

    def wait_normal(self):
        """Seconds since it was started again."""
        self.wait_state()
        if self.sweep.after == "500":
            self.forbidden.append((self.started, time.monotonic(), f"after the start behind step {self.step}"))
        self.daemon.kill()
        return time.monotonic() - self.started

    def wrong(self, attempts):
        accepted = [one.started for one in attempts if one.outcome == "accepted"]
        return [why for begin, end, why in self.forbidden if any(begin < at < end for at in accepted)]


def chosen_steps(number):
    if LONG or number <= SHORT:
        return list(range(1, number + 1))
    return [1 + round(index * (number - 1) / (SHORT - 1)) for index in range(SHORT)]


@pytest.mark.alone
@pytest.mark.parametrize("sweep", SWEEPS, ids=lambda sweep: f"{sweep.name}-{sweep.after}".replace(" ", "-"))
def test_crash_at_each_step(net, record, kill_at, sweep):
    lb = net.host("lb")
    nodes = [Node(net.host(f"node{number}"), lb, kill_at, sweep) for number in range(NODES)]
    total = nodes[0].steps()
    steps = chosen_steps(total)
    row = Row(f"killed at {len(steps)} of {total} steps of {sweep.name}", STATES[sweep.after], "may close")
    record(row)
    back = []
    for first in range(0, len(steps), NODES):
        struck = [node for node, _ in zip(nodes, steps[first:])]
        for node, step in zip(struck, steps[first:]):
            node.begin(step)
        for node in struck:
            node.wait_crash()
        time.sleep(max(0, struck[-1].gone + 0.1 - time.monotonic()))
        for node in struck:
            node.start_again()
        back += [node.wait_normal() for node in struck]
    attempts = [node.hammer.stop() for node in nodes]
    row.seen = dict(sum((count(seen) for seen in attempts), start=collections.Counter()))
    row.longest_refusal = round(max(longest(seen, "refused") for seen in attempts), 3)
    row.normal_after = round(max(back), 3)
    row.wrong = [why for node, seen in zip(nodes, attempts) for why in node.wrong(seen)]
    assert not row.wrong
