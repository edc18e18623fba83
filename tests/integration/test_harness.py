"""The harness itself: what it calls accepted, refused and silent is what the kernel does."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest
from connect import connect, wait_for
from hammer import Hammer, count, longest
from netns import Net
from process import wait_until
from service import Service

RULE = "table inet t {{ chain c {{ type filter hook input priority 0; tcp dport 1936 {}; }}; }}"


@pytest.mark.parametrize("family", ["v4", "v6"])
def test_a_closed_port_is_refused_a_listening_one_accepted_a_dropped_one_silent(lb, node, family):
    address = getattr(node, family)
    assert connect(lb, address, 1936).outcome == "refused"
    Service(node, 1936)
    assert connect(lb, address, 1936).outcome == "accepted"
    node.nft(text=RULE.format("drop"))
    silent = connect(lb, address, 1936, timeout=0.1)
    assert silent.outcome == "silent"
    assert 0.09 < silent.took < 0.3


def test_the_hammer_sees_a_reject_that_stands_for_a_moment(lb, node):
    Service(node, 1936)
    hammer = Hammer(lb, node.v4, 1936, rate=500)
    time.sleep(0.1)
    node.nft(text=RULE.format("reject with tcp reset"))
    time.sleep(0.2)
    node.nft("flush", "ruleset")
    wait_for(lb, node.v4, 1936, "accepted")
    attempts = hammer.stop()
    seen = count(attempts)
    assert set(seen) == {"accepted", "refused"}
    assert 0.1 < longest(attempts, "refused") < 0.5
    assert [one.started for one in attempts] == sorted(one.started for one in attempts)


def fetch(host, address, timeout=0.3):
    """The status line that curl's kind of client sees, or what it met in its place."""
    with host.inside():
        client = socket.create_connection((address, 1936), timeout=timeout)
    with client:
        client.settimeout(timeout)
        client.sendall(b"GET /healthz/ready HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            return client.recv(200).decode().split("\r\n")[0]
        except TimeoutError:
            return "timeout"
        except ConnectionResetError:
            return "reset"


@pytest.mark.parametrize(
    "mode, seen",
    [
        ("200", "HTTP/1.1 200 Said"),
        ("503", "HTTP/1.1 503 Said"),
        ("redirect http://elsewhere/", "HTTP/1.1 302 Said"),
        ("hang", "timeout"),
        ("silent", "timeout"),
        ("slow", "H"),
        ("close", ""),
        ("reset", "reset"),
        ("continue", "HTTP/1.1 100 Continue"),
        ("endless-header", "HTTP/1.1 200 OK"),
        ("garbage", "SSH-2.0-OpenSSH_9.2"),
    ],
)
def test_the_service_behaves_as_told(lb, node, mode, seen):
    Service(node, 1936, mode=mode)
    assert fetch(lb, node.v4) == seen


def test_a_service_that_refuses_is_refused_and_comes_back(lb, node):
    service = Service(node, 1936)
    service.mode("refuse")
    assert connect(lb, node.v4, 1936).outcome == "refused"
    service.mode("200")
    assert fetch(lb, node.v4) == "HTTP/1.1 200 Said"
    assert service.requests() == 1


def test_a_frozen_service_is_accepted_by_the_kernel_and_answers_nothing(lb, node):
    service = Service(node, 1936)
    service.process.signal(signal.SIGSTOP)
    assert fetch(lb, node.v4) == "timeout"
    service.process.signal(signal.SIGCONT)


def test_a_net_goes_with_all_that_ran_in_it():
    with Net() as net:
        host = net.host("a")
        process = host.start("sleep", "60")
        name = host.netns
    assert not process.running
    assert name not in subprocess.run(["ip", "netns"], capture_output=True, text=True).stdout


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path):
    script = "import os, sys, time; from netns import Net; n = Net(); h = n.host('a'); p = h.start('sleep', '60')\n"
    script += "print(h.netns, p.pid, flush=True); time.sleep(60)"
    support = os.path.dirname(sys.modules["netns"].__file__)
    run = subprocess.Popen([sys.executable, "-c", script], cwd=support, stdout=subprocess.PIPE, text=True)
    netns, pid = run.stdout.readline().split()
    run.kill()
    run.wait()
    run.stdout.close()
    cmdline = pathlib.Path(f"/proc/{pid}/cmdline")  # empty for a zombie that nobody has reaped yet
    wait_until(lambda: not cmdline.exists() or not cmdline.read_bytes(), 5, "its child ends")
    sys.modules["netns"].remove_leftovers()
    assert netns not in subprocess.run(["ip", "netns"], capture_output=True, text=True).stdout
