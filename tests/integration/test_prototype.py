"""What the first prototype got wrong, and this one gets right, each as it was measured there.

Stands elsewhere: nothing is served, a proxy in the environment, dripped and endless answers, idle clients, a port that
is freed later (test_verdict.py); a stopped and a killed daemon while the service lives (test_faults.py).
"""

import pathlib
import re
import selectors
import signal
import socket
import statistics
import time

import pytest
from connect import connect, wait_for
from process import wait_until
from service import Service

PORT = 18898


@pytest.fixture
def opened(lb, node, service, start_daemon):
    def start(**options):
        daemon = start_daemon(**options)
        wait_for(lb, node.v4, PORT, "accepted")
        return daemon

    return start


def memory(daemon, key):
    """MiB of VmRSS or VmHWM (the most it ever was)."""
    text = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(re.search(rf"{key}:\s+(\d+) kB", text).group(1)) / 1024


def seconds_until_refused(lb, node, strike):
    started = time.monotonic()
    strike()
    return wait_for(lb, node.v4, PORT, "refused", timeout=4).started - started


@pytest.mark.timing
@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL], ids=["stopped", "killed"])
def test_without_its_daemon_a_dead_service_is_not_open_beyond_the_lease(lb, node, service, opened, number):
    daemon = opened(keys={"lease": "2s"})
    if number == signal.SIGKILL:
        daemon.kill()
    else:
        daemon.signal(number)
    service.kill()
    assert seconds_until_refused(lb, node, lambda: None) < 2.2
    assert {connect(lb, node.v4, PORT).outcome for _ in range(100)} == {"refused"}


def test_there_is_no_child_whose_death_could_keep_the_gate_closed(opened):
    daemon = opened()
    tasks = pathlib.Path(f"/proc/{daemon.process.pid}/task")
    assert [path.read_text() for path in tasks.glob("*/children")] == [""] * len(list(tasks.iterdir()))


def http_check(lb, node):
    """A check that sends a request and waits for the other side to end the connection first."""
    with lb.inside():
        client = socket.create_connection((node.v4, PORT), timeout=1)
    with client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        client.settimeout(0.5)
        try:
            while client.recv(4096):
                pass
        except ConnectionResetError:
            pass
        except TimeoutError:
            client.shutdown(socket.SHUT_WR)


def test_http_checks_leave_no_time_wait_that_keeps_the_port_from_opening_again(lb, node, service, opened):
    daemon = opened()
    for _ in range(3):
        http_check(lb, node)
    assert node.run("ss", "-Htan", "state", "time-wait", "sport", "=", PORT).stdout == ""
    service.mode("500")
    wait_for(lb, node.v4, PORT, "refused")
    service.mode("200")
    wait_for(lb, node.v4, PORT, "accepted", timeout=3)
    http_check(lb, node)
    assert daemon.stop() == 0
    daemon.start()
    wait_for(lb, node.v4, PORT, "accepted", timeout=3)


def test_of_2000_checks_at_the_same_moment_none_is_lost(lb, node, service, opened):
    opened()
    outcomes, slowest = burst(lb, node.v4, 2000)
    assert outcomes == {0}
    assert slowest < 1.0  # a SYN that is lost comes again after a second


def test_thousands_of_idle_clients_do_not_keep_a_check_waiting(lb, node, service, opened):
    opened()
    idle = []
    with lb.inside():
        for number in range(6000):  # more than the kernel's queue holds
            idle.append(socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
            idle[-1].connect_ex((node.v4, PORT))
            if number % 500 == 499:
                attempt = connect(lb, node.v4, PORT, timeout=0.9)
                assert attempt.outcome == "accepted", f"after {number + 1} idle clients"
    for client in idle:
        client.close()


def burst(host, address, number):
    """{errno} of so many connects begun before the first is waited for, and the seconds of the last one."""
    selector, clients = selectors.DefaultSelector(), []
    with host.inside():
        for _ in range(number):
            clients.append(socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
    started, outcomes, slowest = time.monotonic(), set(), 0.0
    for client in clients:
        client.connect_ex((address, PORT))
        selector.register(client, selectors.EVENT_WRITE)
    while selector.get_map() and time.monotonic() < started + 10:
        for key, _ in selector.select(0.1):
            selector.unregister(key.fileobj)
            outcomes.add(key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            slowest = time.monotonic() - started
    for client in clients:
        client.close()
    return outcomes | ({"never answered"} if selector.get_map() else set()), slowest


def test_a_redirect_to_a_healthy_server_elsewhere_closes_and_nobody_asks_that_server(net, lb, node, service, opened):
    other = net.host("other")
    healthy = Service(other, 1936)
    daemon = opened()
    service.mode(f"redirect http://{other.v4}:1936/healthz/ready")
    wait_for(lb, node.v4, PORT, "refused")
    assert daemon.gate()["reason"].startswith("HTTP 302")
    assert healthy.requests() == 0


@pytest.mark.timing
@pytest.mark.parametrize("mode", ["gzip-bomb", "big-body", "endless-header"])
def test_no_answer_costs_more_than_a_few_megabytes(service, opened, mode):
    daemon = opened(keys={"interval": "200ms", "timeout": "150ms"})
    before, asked = memory(daemon, "VmHWM"), service.requests()
    service.mode(mode)
    wait_until(lambda: service.requests() >= asked + 5, 10, "five probes of it")
    assert memory(daemon, "VmHWM") < before + 4


@pytest.mark.timing
def test_a_gate_is_small(opened):
    assert memory(opened(), "VmRSS") < 25  # the prototype: 50


@pytest.mark.timing
def test_with_a_flap_limit_a_service_that_flaps_costs_four_transitions_and_stays_out(lb, node, service, opened):
    keys = {"interval": "200ms", "timeout": "150ms", "fast-interval": "20ms", "flap-limit": 4, "flap-window": "20s"}
    daemon = opened(keys=keys)
    for _ in range(10):
        for mode in ("500", "200"):
            service.mode(mode)
            asked = service.requests()
            wait_until(lambda: service.requests() >= asked + 3, 3, "three probes")
    gate = daemon.gate()
    assert gate["state"] == "closed"
    assert len(gate["history"]) <= 4


@pytest.mark.timing
def test_a_killed_service_is_out_as_soon_as_its_connection_ends(lb, node, service, opened):
    daemon = opened()
    times = []
    for _ in range(3):
        time.sleep(2.1)  # a connection that ends sooner might be the habit of a server that keeps none
        times.append(seconds_until_refused(lb, node, service.kill))
        service = Service(node, 1936)
        wait_for(lb, node.v4, PORT, "accepted")
    assert statistics.median(times) < 0.1, times  # the prototype: 0.47
    assert daemon.process.running


@pytest.mark.timing
@pytest.mark.parametrize("mode, prototype", [("500", 0.47), ("hang", 0.92)])
def test_at_an_interval_of_250_ms_the_reaction_beats_the_prototypes(lb, node, service, opened, mode, prototype):
    opened(keys={"interval": "250ms", "timeout": "200ms"})
    times = []
    for round_ in range(7):
        time.sleep(0.035 * round_)  # each at another moment of the interval
        times.append(seconds_until_refused(lb, node, lambda: service.mode(mode)))
        service.mode("200")
        wait_for(lb, node.v4, PORT, "accepted")
    assert statistics.median(times) < prototype, times
