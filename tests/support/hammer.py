#!/usr/bin/env python3
"""A client that connects N times a second and forgets nothing. A process of its own, so that tests do not slow it.

    hammer = Hammer(lb, node.v4, 18898, rate=1000)
    ...
    attempts = hammer.stop()     # every Attempt, in order of start
"""

import collections
import itertools
import pathlib
import selectors
import signal
import socket
import sys
import time

from connect import RESET_ON_CLOSE, Attempt, family_of, outcome_of
from process import wait_until


class Hammer:
    def __init__(self, host, address, port, rate=200, timeout=0.5):
        self.path = host.net.directory / f"hammer-{host.name}-{len(host.processes)}.txt"
        self.process = host.start(sys.executable, __file__, self.path, address, port, rate, timeout)
        wait_until(self.path.exists, 5, f"the hammer's first connect; {self.process.log()}")

    def stop(self):
        code = self.process.stop(timeout=10)
        if code != 0:
            raise RuntimeError(f"the hammer ended with {code}: {self.process.log()}")
        rows = (line.split() for line in self.path.read_text().splitlines())
        return sorted((Attempt(what, float(at), float(took)) for what, at, took in rows), key=lambda one: one.started)


def count(attempts):
    """How often each outcome was seen."""
    return collections.Counter(attempt.outcome for attempt in attempts)


def longest(attempts, outcome):
    """Seconds of the longest uninterrupted run of `outcome`, from its first start to its last."""
    runs = (list(run) for what, run in itertools.groupby(attempts, key=lambda one: one.outcome) if what == outcome)
    return max((run[-1].started - run[0].started for run in runs), default=0.0)


class _Client:
    """The process's side: non-blocking connects on a fixed beat, each ended by its answer or its deadline."""

    def __init__(self, path, address, port, rate, timeout):
        self.sink = path.open("w", buffering=1 << 16)
        self.target = (address, port)
        self.period = 1 / rate
        self.timeout = timeout
        self.selector = selectors.DefaultSelector()
        self.waiting = collections.OrderedDict()  # socket -> start, oldest first
        self.stopping = False
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_):
        self.stopping = True

    def begin(self):
        client = socket.socket(family_of(self.target[0]), socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.waiting[client] = time.monotonic()
        error = client.connect_ex(self.target)
        if error == 115:  # EINPROGRESS
            self.selector.register(client, selectors.EVENT_WRITE)
        else:
            self.finish(client, outcome_of(error), registered=False)

    def finish(self, client, outcome, registered=True):
        started = self.waiting.pop(client)
        if registered:
            self.selector.unregister(client)
        client.close()
        self.sink.write(f"{outcome} {started:.6f} {time.monotonic() - started:.6f}\n")

    def expire(self):
        limit = time.monotonic() - self.timeout
        while self.waiting:
            client, started = next(iter(self.waiting.items()))
            if started > limit:
                return
            self.finish(client, "silent")

    def run(self):
        due = time.monotonic()
        while self.waiting or not self.stopping:
            now = time.monotonic()
            if not self.stopping and now >= due:
                self.begin()
                due = max(due + self.period, now - 0.1)  # catch up a little, never in one burst
            pause = self.timeout if self.stopping else due - time.monotonic()
            for key, _ in self.selector.select(max(0, min(pause, 0.05))):
                error = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                self.finish(key.fileobj, outcome_of(error))
            self.expire()
        self.sink.close()


if __name__ == "__main__":
    _Client(pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])).run()
