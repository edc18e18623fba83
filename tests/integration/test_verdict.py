"""The main job: what the load balancer sees of the port is what the service's health says."""

import signal

import pytest
from connect import connect, wait_for
from hammer import Hammer, count
from process import wait_until

PORT = 18898


def opened(node, lb, service, start_daemon, **options):
    daemon = start_daemon(**options)
    wait_for(lb, node.v4, PORT, "accepted")
    return daemon


@pytest.mark.tsan
@pytest.mark.parametrize("family", ["v4", "v6"])
def test_a_healthy_service_is_accepted_and_a_stranger_hears_nothing(net, lb, node, service, start_daemon, family):
    stranger = net.host("stranger")
    start_daemon()
    address = getattr(node, family)
    wait_for(lb, address, PORT, "accepted")
    assert connect(stranger, address, PORT).outcome == "silent"
    service.mode("500")
    wait_for(lb, address, PORT, "refused")
    assert connect(stranger, address, PORT).outcome == "silent"


def test_a_stranger_is_refused_where_the_gate_says_so(net, lb, node, service, start_daemon):
    stranger = net.host("stranger")
    opened(node, lb, service, start_daemon, keys={"denied": "reset"})
    for family in ("v4", "v6"):
        assert connect(stranger, getattr(node, family), PORT).outcome == "refused"


# mode of the service, class of the failure, words in the reason
FAULTS = [
    ("500", "status", "HTTP 500"),
    ("302", "status", "HTTP 302"),
    ("redirect http://127.0.0.1:1937/", "status", "HTTP 302"),
    ("refuse", "refused", "connection refused"),
    ("hang", "timeout", "no answer within"),
    ("silent", "timeout", "no answer within"),
    ("slow", "timeout", "no answer within"),
    ("reset", "reset", ""),
    ("close", "reset", ""),
    ("garbage", "protocol", ""),
    ("endless-header", None, ""),  # over a limit, or out of time: both are right
    ("continue", None, ""),
    ("big-body", None, ""),
    ("endless-body", None, ""),
]


@pytest.mark.parametrize("mode, failure, words", FAULTS, ids=[mode.split()[0] for mode, _, _ in FAULTS])
def test_each_fault_closes_and_is_named(lb, node, service, start_daemon, mode, failure, words):
    daemon = opened(node, lb, service, start_daemon, keys={"timeout": "300ms"})
    service.mode(mode)
    wait_for(lb, node.v4, PORT, "refused", timeout=4)
    gate = daemon.wait_gate("closed")
    last = gate["probes"][0]["last"]
    assert failure is None or last["class"] == failure, last
    assert words in gate["reason"]
    assert wait_until(lambda: "closed since" in daemon.table(), 2, "the chain's comment")
    if words:
        assert words.replace("(", "_") in daemon.table() or words in daemon.table()
    service.mode("200")
    wait_for(lb, node.v4, PORT, "accepted", timeout=4)
    wait_until(lambda: "open since" in daemon.table(), 2, "the chain's comment")


def test_a_gate_is_closed_until_the_service_has_passed(lb, node, start_daemon):
    daemon = start_daemon()
    assert connect(lb, node.v4, PORT).outcome == "refused"
    daemon.wait_gate("closed")
    assert "open since" not in daemon.table()


def test_a_proxy_in_the_environment_is_not_asked(lb, node, start_daemon):
    from service import Service

    proxy = Service(node, 3128)
    variables = {name: "http://127.0.0.1:3128" for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")}
    daemon = start_daemon(env=variables)
    wait_until(lambda: daemon.gate()["probes"][0]["last"], 3, "a probe")
    assert connect(lb, node.v4, PORT).outcome == "refused"
    assert proxy.requests() == 0


def test_the_listener_says_nothing_and_serves_nothing(lb, node, service, start_daemon):
    import socket

    opened(node, lb, service, start_daemon)
    with lb.inside():
        client = socket.create_connection((node.v4, PORT), timeout=1)
    with client:
        client.sendall(b"GET /etc/passwd HTTP/1.0\r\n\r\n")
        client.settimeout(0.5)
        try:
            assert client.recv(100) == b""
        except (TimeoutError, ConnectionResetError):
            pass


def test_flapping_health_does_not_flap_the_gate(lb, node, service, start_daemon):
    daemon = opened(node, lb, service, start_daemon, keys={"interval": "200ms", "timeout": "150ms", "fall": 3, "rise": 3})
    before = service.requests()
    for _ in range(10):  # one failure, one pass, in turn: never three of a kind
        service.mode("500")
        wait_until(lambda: service.requests() > before, 2, "a probe")
        before = service.requests()
        service.mode("200")
        wait_until(lambda: service.requests() > before, 2, "a probe")
        before = service.requests()
    assert daemon.gate()["state"] == "open"


def test_idle_clients_and_a_burst_lose_no_check(lb, node, service, start_daemon):
    import socket

    opened(node, lb, service, start_daemon)
    idle = []
    with lb.inside():
        for _ in range(200):
            idle.append(socket.create_connection((node.v4, PORT), timeout=1))
    hammer = Hammer(lb, node.v4, PORT, rate=2000, timeout=1)
    wait_until(lambda: len(hammer.path.read_text().splitlines()) > 1500, 10, "a burst")
    seen = count(hammer.stop())
    for client in idle:
        client.close()
    assert set(seen) == {"accepted"}, seen


def test_a_port_that_somebody_holds_is_named_and_bound_when_it_is_free(lb, node, service, start_daemon):
    holder = node.start("socat", "TCP6-LISTEN:18898,ipv6only=0,fork", "EXEC:cat")
    wait_for(node, "127.0.0.1", PORT, "accepted")
    other = {"port": 18897}
    from daemon import gate_config

    daemon = start_daemon(
        gate_config("router", allow=[lb.v4]) + gate_config("second", allow=[lb.v4], **other)
    )
    wait_for(lb, node.v4, 18897, "accepted")
    gate = daemon.wait_gate(lambda gate: gate["port_problem"])
    assert f"socat (pid {holder.pid})" in gate["port_problem"]
    assert connect(lb, node.v4, PORT).outcome == "refused"  # never let through to somebody else's listener
    holder.end()
    wait_for(lb, node.v4, PORT, "accepted", timeout=10)
    assert not daemon.gate()["port_problem"]


@pytest.mark.tsan
def test_stopping_closes_at_once_and_removes_the_table(lb, node, service, start_daemon):
    daemon = opened(node, lb, service, start_daemon)
    assert daemon.stop() == 0
    assert connect(lb, node.v4, PORT).outcome == "refused"
    assert daemon.table() == ""


@pytest.mark.timing
def test_sigterm_takes_effect_well_below_50_ms(lb, node, service, start_daemon):
    import time

    daemon = opened(node, lb, service, start_daemon)
    hammer = Hammer(lb, node.v4, PORT, rate=1000)
    wait_until(lambda: len(hammer.path.read_text().splitlines()) > 100, 5, "the hammer at work")
    stopped = time.monotonic()
    daemon.stop()
    attempts = hammer.stop()
    late = [one for one in attempts if one.outcome == "accepted" and one.started > stopped + 0.05]
    assert not late
    assert any(one.outcome == "refused" for one in attempts)


def test_with_hold_the_table_and_the_lease_stay_for_a_successor(lb, node, service, start_daemon):
    daemon = opened(node, lb, service, start_daemon, keys={"on-stop": "hold"}, globals_={"table-owner": "no"})
    daemon.stop()
    assert "open since" in daemon.table()
    daemon.start()
    wait_for(lb, node.v4, PORT, "accepted")


def test_sigusr2_leaves_the_gate_to_a_successor_whatever_is_configured(lb, node, service, start_daemon):
    daemon = opened(node, lb, service, start_daemon, keys={"on-stop": "close", "lease": "20s"})
    daemon.signal(signal.SIGUSR2)
    assert daemon.process.wait() == 0
    assert "open since" in daemon.table()
    service.mode("hang")  # the successor cannot have opened by a probe of its own
    daemon.start()
    assert wait_for(lb, node.v4, PORT, "accepted").took < 0.3
