"""A router pod on a node: a real HAProxy with traffic on :80 and /healthz/ready on :1936, in a pod's states.

| state    | :80           | :1936/healthz/ready | when                                                      |
|----------|---------------|---------------------|-----------------------------------------------------------|
| starting | 503, or hangs | 500                 | START_SECONDS after the process has opened its ports      |
| ready    | 200           | 200                 | until told otherwise                                      |
| draining | 200           | 500                 | DRAIN_SECONDS between the order to end and the end        |
| dead     | refused       | refused             | in between                                                |
| frozen   | no answer     | no answer           | the process is stopped; its kernel completes handshakes   |

The state is a map in HAProxy's memory, changed over its stats socket, so that a change takes a millisecond.
"""

import signal
import socket
import time

from process import wait_until

START_SECONDS = 3.0
DRAIN_SECONDS = 10.0  # longer than three checks of the balancer, as a router's 45 s are
HANG_PORT = 9  # on loopback; connections are completed by the kernel and never served

CONFIG = """\
global
    stats socket {directory}/router.sock level admin
    maxconn 2000
    nbthread 1
    hard-stop-after 1s
defaults
    mode http
    timeout connect 1s
    timeout client 50s
    timeout server 2s
frontend traffic
    bind :::80 v4v6
    http-request set-var(txn.state) str(state),map_str({directory}/state.map)
    http-request return status 503 content-type text/plain string "starting" if {{ var(txn.state) -m str starting }}
    use_backend hang if {{ var(txn.state) -m str hanging }}
    http-request return status 200 content-type text/plain string "Hello World!"
frontend health
    bind :::1936 v4v6
    http-request set-var(txn.state) str(state),map_str({directory}/state.map)
    http-request return status 200 content-type text/plain string "ok" if {{ path /healthz/ready }} {{ var(txn.state) -m str ready }}
    http-request return status 500 content-type text/plain string "not ready"
backend hang
    server nobody 127.0.0.1:{hang_port}
"""  # noqa: E501 (HAProxy has no continuation lines)


def ask_haproxy(path, command):
    """One command to a stats socket; its answer."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(path))
        client.sendall(command.encode() + b"\n")
        return b"".join(iter(lambda: client.recv(65536), b"")).decode()


class Router:
    """`note(state)` is called at each change of state."""

    def __init__(self, host, note, start_as="starting"):
        self.host = host
        self.note = note
        self.start_as = start_as  # starting: 503; hanging: no answer
        self.directory = host.net.directory / host.name
        self.directory.mkdir()
        (self.directory / "router.cfg").write_text(CONFIG.format(directory=self.directory, hang_port=HANG_PORT))
        with host.inside():
            self.hole = socket.create_server(("127.0.0.1", HANG_PORT), backlog=512)
        self.process = None

    def boot(self):
        """Starts the process and returns when its ports are open; it is not ready yet."""
        (self.directory / "state.map").write_text(f"state {self.start_as}\n")
        (self.directory / "router.sock").unlink(missing_ok=True)
        self.process = self.host.start("haproxy", "-db", "-f", self.directory / "router.cfg")
        wait_until(self._up, 5, "the router's socket")
        self.note("starting")

    def _up(self):
        if not self.process.running:
            raise RuntimeError(f"haproxy ended: {self.process.log()}")
        try:
            return ask_haproxy(self.directory / "router.sock", "show info")
        except OSError:
            return None

    def become(self, state):
        """Changes the state of a running router."""
        answer = ask_haproxy(self.directory / "router.sock", f"set map {self.directory}/state.map state {state}").strip()
        if answer:
            raise RuntimeError(f"set map: {answer}")
        self.note(state)

    def start(self):
        """As a pod starts: ports open at once, service later. Returns when it is ready."""
        self.boot()
        time.sleep(START_SECONDS)
        self.become("ready")

    def shut_down(self):
        """As a pod is deleted: not ready first, still serving, then gone. Returns when it is gone."""
        self.become("draining")
        time.sleep(DRAIN_SECONDS)
        self.process.signal(signal.SIGUSR1)  # finish what is in flight, take nothing new
        self.process.wait()
        self.note("dead")

    def kill(self):
        self.process.kill()
        self.note("dead")

    def freeze(self):
        self.process.signal(signal.SIGSTOP)
        self.note("frozen")

    def thaw(self):
        self.process.signal(signal.SIGCONT)
        self.note("ready")
