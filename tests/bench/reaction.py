"""A service turns ill, or dies: how long until nobody is sent there any more. All poll once a second.

healthgate and the prototype are watched from the load balancer's side (first RST), HAProxy through its statistics
(the server is DOWN), keepalived through the address that it gives up.
"""

import pathlib
import random
import socket
import statistics
import sys
import time

from connect import connect, wait_for
from daemon import Daemon
from netns import Net
from process import wait_until
from service import Service

PORT = 18898
PROTOTYPE = pathlib.Path(__file__).resolve().parent.parent / "lab" / "prototype.py"
HAPROXY = """\
global
    stats socket {directory}/stats.sock
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
backend routers
    option httpchk GET /healthz/ready
    server router 127.0.0.1:1936 check inter 1s fall 1 rise 1
"""
KEEPALIVED = """\
global_defs {
    script_user root
    enable_script_security
}
vrrp_script ready {
    script "/usr/bin/curl -fsS -o /dev/null -m 0.5 http://127.0.0.1:1936/healthz/ready"
    interval 1
    fall 1
    rise 1
}
vrrp_instance node {
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 1
    state MASTER
    virtual_ipaddress {
        10.77.0.200/24
    }
    track_script {
        ready
    }
}
"""


class Reset:
    """Something that answers RST on the port while the service is ill."""

    def __init__(self, lb, node):
        self.lb, self.node = lb, node

    def up(self):
        wait_for(self.lb, self.node.v4, PORT, "accepted", timeout=70)

    def is_up(self):
        # Silence is no answer: a server that accepts slowly has a full queue under as many connects as these.
        return connect(self.lb, self.node.v4, PORT).outcome != "refused"


class Healthgate(Reset):
    name = "healthgate"

    def __init__(self, lb, node):
        super().__init__(lb, node)
        keys = {"interval": "1s", "timeout": "500ms", "rise": 1, "fall": 1}
        self.daemon = Daemon(node, allow=[lb.v4], keys=keys, globals_={"log-level": "info"})


class Prototype(Reset):
    name = "Python prototype"

    def __init__(self, lb, node):
        super().__init__(lb, node)
        node.start(sys.executable, PROTOTYPE)


class HAProxy:
    name = "HAProxy httpchk"

    def __init__(self, _lb, node):
        self.directory = node.net.directory
        config = self.directory / "haproxy.cfg"
        config.write_text(HAPROXY.format(directory=self.directory))
        node.start("haproxy", "-db", "-f", config)
        wait_until((self.directory / "stats.sock").exists, 5, "haproxy")

    def is_up(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.directory / "stats.sock"))
            client.sendall(b"show servers state routers\n")
            said = b""
            while chunk := client.recv(4096):
                said += chunk
        return next(line.split()[5] for line in said.decode().splitlines() if " router " in line) == "2"

    def up(self):
        wait_until(self.is_up, 10, "HAProxy has the server up")


class Keepalived:
    name = "keepalived vrrp_script"

    def __init__(self, _lb, node):
        config = node.net.directory / "keepalived.conf"
        config.write_text(KEEPALIVED)
        pids = [node.net.directory / f"keepalived-{kind}.pid" for kind in ("main", "vrrp")]
        self.process = node.start("keepalived", "-n", "-l", "-P", "-f", config, "-p", pids[0], "-r", pids[1])

    def is_up(self):
        return "10.77.0.200" in pathlib.Path(f"/proc/{self.process.pid}/net/fib_trie").read_text()

    def up(self):
        wait_until(self.is_up, 15, "keepalived holds the address")


def until_down(subject):
    """CLOCK_MONOTONIC of the first look that says so."""
    return wait_until(lambda: None if subject.is_up() else time.monotonic(), 20, "out", interval=0.0005)


def rounds_of(kind, rounds):
    """Seconds from each fault to its effect, by fault."""
    chance = random.Random(1)  # the fault falls anywhere between two polls, for each subject in the same places
    seconds = {"flip": [], "kill": []}
    with Net() as net:
        lb, node = net.host("lb"), net.host("node")
        service = Service(node)
        subject = kind(lb, node)
        for fault, took in seconds.items():
            for _ in range(rounds):
                subject.up()
                time.sleep(1 + chance.random())
                began = time.monotonic()
                if fault == "flip":
                    service.mode("500")
                else:
                    service.kill()
                took.append(until_down(subject) - began)
                if fault == "flip":
                    service.mode("200")
                else:
                    service = Service(node)
    return seconds


def measure(_programs, rounds):
    rows = []
    for kind in (Healthgate, Prototype, HAProxy, Keepalived):
        for fault, took in rounds_of(kind, rounds).items():
            name = {"flip": "200 to 500, seen by polling", "kill": "kill -9 of the service"}[fault]
            times = sorted(1000 * one for one in took)
            rows.append({
                "row": name, "where": kind.name, "unit": "ms", "n": len(times), "median": statistics.median(times),
                "min": times[0], "p99": times[-1], "max": times[-1],
            })  # fmt: skip
    return sorted(rows, key=lambda one: one["row"])
