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
GIVE_UP_SECONDS = 10  # the client's patience
LOGGED = re.compile(r" \[(?P<at>\S+)\.(?P<ms>\d{3})\] http_front \S+ [-\d/]+/(?P<took>\d+) (?P<status>-?\d+) ")
L7_CHECK = "option httpchk GET /healthz/ready HTTP/1.0\n    http-check expect status 200"


@dataclass
class Request:
    at: float  # CLOCK_MONOTONIC when it began
    seconds: float
    status: int  # 0: no response; then `seconds` is not known


class Balancer:
    """Asks every node on `port` every `inter` seconds: over HTTP if `http_check`, else by connect alone."""

    keep_alive = True

    def __init__(self, host, nodes, port, http_check, inter=CHECK_SECONDS):
        self.host = host
        directory = host.net.directory / host.name
        directory.mkdir()
        self.socket = directory / "balancer.sock"
        servers = "\n".join(f"    server {node.name} {node.v4}:80 check port {port}" for node in nodes)
        check = L7_CHECK if http_check else ""
        config = CONFIG.format(directory=directory, check=check, inter=int(inter * 1000), servers=servers)
        (directory / "balancer.cfg").write_text(config)
        self.process = host.start("haproxy", "-db", "-f", directory / "balancer.cfg")
        wait_until(self.socket.exists, 5, "the balancer's socket")

    def statistics(self):
        return list(csv.DictReader(io.StringIO(ask_haproxy(self.socket, "show stat").lstrip("# "))))

    def states(self):
        """{node: UP or DOWN}, transitional states by what traffic does."""
        servers = [row for row in self.statistics() if row["svname"] not in ("FRONTEND", "BACKEND")]
        return {row["svname"]: row["status"].split()[0] for row in servers}

    def wait_all(self, state, timeout=30):
        wait_until(lambda: set(self.states().values()) == {state}, timeout, f"all nodes {state}", interval=0.05)

    def responses(self):
        """How many answers went to clients so far."""
        front = next(row for row in self.statistics() if row["svname"] == "FRONTEND")
        return sum(int(front[f"hrsp_{kind}"]) for kind in ("1xx", "2xx", "3xx", "4xx", "5xx", "other"))

    def lost(self):
        """[(Request, its line of the log)] of what was not answered well, or later than the client waits (status 0)."""
        offset = time.monotonic() - time.time()
        found = []
        with self.process.log_path.open(errors="replace") as log:
            for line in log:
                match = LOGGED.search(line)
                if match and match["status"][0] == "2" and int(match["took"]) < GIVE_UP_SECONDS * 1000:
                    continue
                if match:
                    begun = time.mktime(time.strptime(match["at"], "%d/%b/%Y:%H:%M:%S")) + int(match["ms"]) / 1000
                    status = int(match["status"]) if match["status"][0] in "345" else 0
                    found.append((Request(begun + offset, 0, status), line.strip()))
        return found


class Load:
    """`hey` with two workers through the balancer; `rate` requests a second altogether, 0: as fast as they go."""

    WORKERS = 2

    def __init__(self, host, rate=0, keep_alive=True):
        self.csv = host.net.directory / "hey.csv"
        limit = ["-q", rate / self.WORKERS] if rate else []
        limit += [] if keep_alive else ["-disable-keepalive"]
        target = ["-host", "app.example.com", "http://127.0.0.1:8080/"]
        self.started = time.monotonic()
        self.process = host.start(
            "hey", "-c", self.WORKERS, "-z", "10h", "-t", GIVE_UP_SECONDS, "-o", "csv", *limit, *target, log=self.csv
        )

    def stop(self):
        """Every Request that got a response, a million at most; hey leaves the others out of its CSV."""
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
