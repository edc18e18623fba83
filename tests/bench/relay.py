"""What a relay costs: requests through a node whose guard relays to a peer, beside requests to the peer itself."""

import csv
import io
import statistics

from connect import wait_for
from daemon import Daemon, gate_config
from netns import Net
from process import wait_until
from service import Service

PORT, WEB = 18898, 80
SECONDS, WORKERS = 3, 20
NGINX = """\
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
events {{ worker_connections 4096; }}
http {{ access_log off; server {{ listen 80; listen [::]:80; location / {{ return 200 ok; }} }} }}
"""


def load(host, address, keep_alive):
    """(requests a second, median seconds of one) of a run; every answer must be 200."""
    options = [] if keep_alive else ["-disable-keepalive"]
    said = host.run("hey", "-z", f"{SECONDS}s", "-c", WORKERS, "-o", "csv", *options, f"http://{address}/").stdout
    answers = list(csv.DictReader(io.StringIO(said)))
    if not answers or {one["status-code"] for one in answers} != {"200"}:
        raise RuntimeError(f"not every answer is 200: {len(answers)} answers")
    return len(answers) / SECONDS, statistics.median(float(one["response-time"]) for one in answers)


def row(name, where, unit, values):
    values = sorted(values)
    return {
        "row": name, "where": where, "unit": unit, "n": len(values), "median": statistics.median(values),
        "min": values[0], "max": values[-1],
    }  # fmt: skip


def measure(_programs, _rounds):
    rows = []
    with Net() as net:
        lb, node, peer = net.host("lb"), net.host("node"), net.host("peer")
        config = net.directory / "nginx.conf"
        config.write_text(NGINX.format(directory=net.directory))
        peer.start("nginx", "-c", config)
        Service(peer)
        Daemon(peer, gate_config("router", allow=["10.77.0.0/24"]), globals_={"log-level": "info"})
        node.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        keys = {"guard": "relay", "guard-ports": WEB, "peers": peer.v4}
        daemon = Daemon(node, gate_config("router", allow=[lb.v4], **keys), globals_={"log-level": "info"})
        wait_until(lambda: daemon.gate()["guard"]["peers"][0]["healthy"], 5, "a healthy peer")
        wait_for(lb, node.v4, WEB, "accepted")  # relayed: nobody listens on the node itself
        for keep_alive, name in ((True, "connections kept"), (False, "a connection a request")):
            found = {"direct": [], "relay": []}
            for _ in range(3):  # in turn, so that both see the same machine
                found["direct"].append(load(lb, peer.v4, keep_alive))
                found["relay"].append(load(lb, node.v4, keep_alive))
            for way, where in (("direct", "to the peer itself"), ("relay", "healthgate relays to it")):
                rows.append(row(name, where, "1/s", [rate for rate, _ in found[way]]))
                rows.append(row(name, where, "ms", [1000 * took for _, took in found[way]]))
    return rows
