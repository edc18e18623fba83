"""`healthgate run --takeover`: a successor has the gates, and no load balancer notices."""

import json
import socket
import time

import pytest
from connect import wait_for
from hammer import Hammer, count
from process import wait_until

PORT = 18898


class ControlClient:
    """A connection to the control socket that speaks the protocol by hand."""

    def __init__(self, daemon):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(5)
        self.socket.connect(str(daemon.control))

    def ask(self, **request):
        self.socket.sendall(json.dumps({"v": 1, "id": 1} | request).encode() + b"\n")
        data, self.descriptors, _, _ = socket.recv_fds(self.socket, 65536, 64)
        return json.loads(data)

    def close(self):
        for descriptor in self.descriptors:
            socket.close(descriptor)
        self.socket.close()


@pytest.mark.parametrize("owner", ["auto", "no"])
def test_successors_take_over_under_load_and_no_connect_is_refused(lb, node, service, start_daemon, owner):
    daemon = start_daemon(globals_={"table-owner": owner})
    wait_for(lb, node.v4, PORT, "accepted")
    since = daemon.gate()["since"]
    hammer = Hammer(lb, node.v4, PORT, rate=1000)
    for _ in range(5):
        assert daemon.take_over() == 0
        daemon.wait_gate("open")
    assert set(count(hammer.stop())) == {"accepted"}
    assert daemon.gate()["since"][:19] == since[:19]  # the rule says it in seconds
    service.mode("500")
    wait_for(lb, node.v4, PORT, "refused")


def test_a_closed_gate_stays_closed_over_a_takeover_and_opens_when_the_service_is_back(
    lb, node, service, start_daemon
):
    service.mode("500")
    daemon = start_daemon()
    daemon.wait_gate("closed")
    hammer = Hammer(lb, node.v4, PORT, rate=500)
    assert daemon.take_over() == 0
    assert set(count(hammer.stop())) == {"refused"}
    service.mode("200")
    wait_for(lb, node.v4, PORT, "accepted")


def test_a_drain_outlives_a_takeover(lb, node, service, start_daemon):
    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, "accepted")
    daemon.command("drain", "router", "--reason", "kernel update")
    assert daemon.take_over() == 0
    daemon.wait_gate("closed")
    assert daemon.gate()["override"]["reason"] == "kernel update"
    daemon.command("auto", "router")
    wait_for(lb, node.v4, PORT, "accepted")


def test_a_successor_that_dies_half_way_leaves_the_gate_to_its_predecessor(lb, node, service, start_daemon):
    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, "accepted")
    hammer = Hammer(lb, node.v4, PORT, rate=1000)
    client = ControlClient(daemon)
    assert client.ask(command="takeover", step="begin")["descriptors"] == ["table", "gate-router"]
    assert not ControlClient(daemon).ask(command="takeover", step="begin")["ok"]  # one at a time
    client.close()
    daemon.wait_log("going on")
    assert set(count(hammer.stop())) == {"accepted"}
    service.mode("500")
    wait_for(lb, node.v4, PORT, "refused")
    service.mode("200")
    wait_for(lb, node.v4, PORT, "accepted")


def test_a_successor_that_stalls_half_way_lets_the_lease_end(lb, node, service, start_daemon):
    daemon = start_daemon(keys={"lease": "2s"})
    wait_for(lb, node.v4, PORT, "accepted")
    client = ControlClient(daemon)
    began = time.monotonic()
    assert client.ask(command="takeover", step="begin")["ok"]
    wait_for(lb, node.v4, PORT, "refused", timeout=3)
    assert time.monotonic() - began < 2.3
    client.close()
    wait_for(lb, node.v4, PORT, "accepted")


def test_commit_without_begin_changes_nothing(lb, node, service, start_daemon):
    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, "accepted")
    answer = ControlClient(daemon).ask(command="takeover", step="commit")
    assert not answer["ok"] and "begins with" in answer["error"]
    assert daemon.gate()["state"] == "open"


def test_with_nobody_to_take_over_from_the_daemon_starts_closed_and_says_so(lb, node, service, start_daemon):
    daemon = start_daemon(options=["--takeover"])
    daemon.wait_log("no daemon runs that could be taken over")
    wait_for(lb, node.v4, PORT, "accepted")


def test_a_successor_with_a_broken_configuration_does_not_touch_its_predecessor(lb, node, service, start_daemon):
    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, "accepted")
    predecessor = daemon.process
    daemon.config_path.write_text("[gate.router]\nport = 99999\n")
    daemon.start(wait=False, options=["--takeover"])
    assert daemon.process.wait(timeout=5) == 78
    daemon.process = predecessor
    wait_until(lambda: daemon.gate()["state"] == "open", 2, "the predecessor answers")
