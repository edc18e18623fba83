"""nginx's stream module in the balancer's place: it moves bytes and has no checks of its own, so that a process beside
it checks every node as HAProxy does and writes the list of servers, as people do it. Nothing else is done for a failed
connection, as IPVS would do nothing: no second try, and no memory of it.

Every request has a connection of its own: through one that is kept a client would never meet another node.
"""

import signal
import socket
import threading
import time

from balancer import Request
from connect import connect
from process import wait_until

CONFIG = """\
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 4096; }}
stream {{
    log_format bytes '$msec $bytes_sent $session_time';
    access_log {directory}/access.log bytes;
    proxy_connect_timeout 1s;
    proxy_next_upstream off;
    include {directory}/servers.conf;
    server {{ listen 8080; proxy_pass nodes; }}
}}
"""
FALL, RISE = 3, 2  # HAProxy's defaults


class Nginx:
    """The interface of balancer.Balancer."""

    keep_alive = False

    def __init__(self, host, nodes, port, http_check, inter):
        self.host, self.nodes, self.port, self.http_check, self.inter = host, nodes, port, http_check, inter
        self.directory = host.net.directory / f"{host.name}-nginx"
        self.directory.mkdir()
        (self.directory / "nginx.cfg").write_text(CONFIG.format(directory=self.directory))
        self.up = {node.name: True for node in nodes}
        self.lock = threading.Lock()
        self.write_servers()
        self.process = host.start("nginx", "-c", self.directory / "nginx.cfg")
        wait_until((self.directory / "nginx.pid").exists, 5, "nginx")
        for number, node in enumerate(nodes):
            checker = threading.Thread(target=self.check, args=(node, inter * number / len(nodes)), daemon=True)
            checker.start()

    def write_servers(self):
        servers = [f"server {node.v4}:80 max_fails=0;" for node in self.nodes if self.up[node.name]]
        servers = servers or ["server 127.0.0.1:9;"]  # nobody: refused
        (self.directory / "servers.conf").write_text(f"upstream nodes {{ {' '.join(servers)} }}\n")

    # --- the checker ---

    def check(self, node, delay):
        time.sleep(delay)
        streak = 0  # of checks against the present state
        while self.process.running:
            begun = time.monotonic()
            streak = streak + 1 if self.passes(node) != self.up[node.name] else 0
            if streak >= (FALL if self.up[node.name] else RISE):
                streak = 0
                with self.lock:
                    self.up[node.name] = not self.up[node.name]
                    self.write_servers()
                    self.process.signal(signal.SIGHUP)
            time.sleep(max(0, begun + self.inter - time.monotonic()))

    def passes(self, node):
        if not self.http_check:
            return connect(self.host, node.v4, self.port, timeout=self.inter).outcome == "accepted"
        try:
            with self.host.inside():
                client = socket.create_connection((node.v4, self.port), timeout=self.inter)
            with client:
                client.sendall(b"GET /healthz/ready HTTP/1.0\r\n\r\n")
                return client.recv(64).startswith((b"HTTP/1.0 200", b"HTTP/1.1 200"))
        except OSError:
            return False

    # --- what a phase asks ---

    def states(self):
        return {name: "UP" if up else "DOWN" for name, up in self.up.items()}

    def wait_all(self, state, timeout=30):
        wait_until(lambda: set(self.states().values()) == {state}, timeout, f"all nodes {state}", interval=0.05)

    def sessions(self):
        """(end by the wall clock, bytes to the client, seconds) of each connection so far"""
        lines = (self.directory / "access.log").read_text().splitlines()
        return [tuple(map(float, line.split())) for line in lines]

    def responses(self):
        return sum(sent > 0 for _, sent, _ in self.sessions())

    def lost(self):
        """As the Balancer's, but that nginx knows no status: those to whom nothing was sent."""
        offset = time.monotonic() - time.time()
        empty = [(end, took) for end, sent, took in self.sessions() if not sent]
        return [(Request(end - took + offset, 0, 0), f"{took} s, no bytes") for end, took in empty]
