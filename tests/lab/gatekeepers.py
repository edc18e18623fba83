"""What stands on a node between the router's health and the balancer's check.

Each has start(node, lb, nodes), which returns what can upgrade() and finish().
"""

import pathlib
import sys

from connect import wait_for
from daemon import Daemon

GATE_PORT = 18898


class Healthgate:
    """The daemon with its defaults; `keys` are more keys of the gate, e.g. guard="relay"."""

    def __init__(self, **keys):
        self.keys = keys

    def start(self, node, lb, nodes):
        keys = dict(self.keys)
        if keys.get("guard") == "relay":
            keys["peers"] = ", ".join(peer.v4 for peer in nodes)  # its own address is left out by itself
            node.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        daemon = Daemon(host=node, allow=[lb.v4], keys=keys, globals_={"log-level": "info"})
        wait_for(lb, node.v4, GATE_PORT, "accepted", timeout=10)
        return InstalledHealthgate(daemon)


class InstalledHealthgate:
    def __init__(self, daemon):
        self.daemon = daemon
        self.upgrades = 0

    def upgrade(self):
        """The running daemon is replaced: in turn by a successor that takes over, and by stop and start."""
        if self.upgrades % 2 == 0:
            self.daemon.take_over()
        else:
            self.daemon.stop()
            self.daemon.start()
        self.upgrades += 1

    def finish(self):
        self.daemon.finish()


class Prototype:
    """The Python script that healthgate replaces, as its users describe it."""

    def start(self, node, lb, nodes):
        installed = InstalledPrototype(node)
        wait_for(lb, node.v4, GATE_PORT, "accepted", timeout=10)
        return installed


class InstalledPrototype:
    def __init__(self, node):
        self.node = node
        self._start()

    def _start(self):
        self.process = self.node.start(sys.executable, pathlib.Path(__file__).with_name("prototype.py"))

    def upgrade(self):
        self.process.stop()
        self._start()

    def finish(self):
        self.process.stop()
