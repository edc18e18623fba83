"""What stands on a node between the router's health and the balancer's check. Each has start(node, lb, nodes)."""

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
            keys["peers"] = ", ".join(peer.v4 for peer in nodes if peer is not node)
        daemon = Daemon(host=node, allow=[lb.v4], keys=keys, globals_={"log-level": "info"})
        wait_for(lb, node.v4, GATE_PORT, "accepted", timeout=10)
        return daemon


class Prototype:
    """The Python script that healthgate replaces, as its users describe it."""

    def start(self, node, lb, nodes):
        process = node.start(sys.executable, pathlib.Path(__file__).with_name("prototype.py"))
        wait_for(lb, node.v4, GATE_PORT, "accepted", timeout=10)
        return process
