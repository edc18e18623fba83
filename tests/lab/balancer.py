"""The switch in front of the routers, and the load on it: HAProxy with its default checks, and `hey -c 2`."""

import csv
import io
import re
import signal
import time
from dataclasses import dataclass

from process import wait_until
from router import ask_haproxy

CHECK_SECONDS = 2.0

CONFIG = """\
global
    stats socket {directory}/balancer.sock level admin
    log stdout format raw local0
    maxconn 2000
    nbthread 1
defaults
    log global
    mode http
    option httplog
    option dontlognull
    timeout connect 1000
    timeout client 50000
    timeout server 50000
frontend http_front
    bind *:8080
    default_backend http_back
backend http_back
    balance roundrobin
    {check}
    default-server inter {inter}
{servers}
"""
L7_CHECK = "option httpchk GET /healthz/ready HTTP/1.0\n    http-check expect status 200"


@dataclass
class Request:
    at: float  # CLOCK_MONOTONIC when it began
    seconds: float
    status: int  # 0: no response


class Balancer:
    """Asks every node on `port`: over HTTP if `http_check`, else by connect alone."""

    def __init__(self, host, nodes, port, http_check):
        self.host = host
        directory = host.net.directory / host.name
        directory.mkdir()
        self.socket = directory / "balancer.sock"
        servers = "\n".join(f"    server {node.name} {node.v4}:80 check port {port}" for node in nodes)
        check = L7_CHECK if http_check else ""
        config = CONFIG.format(directory=directory, check=check, inter=int(CHECK_SECONDS * 1000), servers=servers)
        (directory / "balancer.cfg").write_text(config)
        self.process = host.start("haproxy", "-db", "-f", directory / "balancer.cfg")
        wait_until(self.socket.exists, 5, "the balancer's socket")

    def states(self):
        """{node: UP or DOWN}, transitional states by what traffic does."""
        rows = csv.DictReader(io.StringIO(ask_haproxy(self.socket, "show stat").lstrip("# ")))
        return {row["svname"]: row["status"].split()[0] for row in rows if row["svname"] not in ("FRONTEND", "BACKEND")}

    def wait_all(self, state, timeout=30):
        wait_until(lambda: set(self.states().values()) == {state}, timeout, f"all nodes {state}", interval=0.05)

    def unanswered(self):
        """Requests that ended without a response, by the balancer's own log: the client gave up (status -1)."""
        return len(re.findall(r" http_front http_back/\S+ \S+ -1 ", self.process.log()))


class Load:
    """`hey` with two workers through the balancer; `rate` requests a second altogether, 0: as fast as they go."""

    WORKERS = 2

    def __init__(self, host, rate=0):
        self.csv = host.net.directory / "hey.csv"
        limit = ["-q", rate / self.WORKERS] if rate else []
        target = ["-host", "app.example.com", "http://127.0.0.1:8080/"]
        self.started = time.monotonic()
        self.process = host.start(
            "hey", "-c", self.WORKERS, "-z", "10h", "-t", "10", "-o", "csv", *limit, *target, log=self.csv
        )

    def stop(self):
        """Every Request that got a response; hey leaves the others out of its CSV."""
        self.process.signal(signal.SIGINT)
        code = self.process.wait(timeout=30)
        if code != 0:
            raise RuntimeError(f"hey ended with {code}: {self.csv.read_text()[-500:]}")
        rows = csv.DictReader(self.csv.open())
        return sorted(
            (
                Request(self.started + float(row["offset"]), float(row["response-time"]), int(row["status-code"]))
                for row in rows
            ),
            key=lambda request: request.at,
        )
