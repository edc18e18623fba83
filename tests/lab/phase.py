"""One phase of the lab: a net with a balancer and three nodes, load, faults one after another, and what was seen."""

import threading
import time
from dataclasses import asdict, dataclass, field

from balancer import CHECK_SECONDS, Balancer, Load
from connect import connect
from faults import FAULTS
from gatekeepers import GATE_PORT, Healthgate, Prototype
from netns import Net
from nginx import Nginx
from router import Router

NODES = 3
SAMPLE_SECONDS = 0.2
QUIET_SECONDS = 2.0  # of load before, between and after the faults


@dataclass(frozen=True)
class Phase:
    title: str
    port: int  # that the balancer checks
    http_check: bool = False
    gatekeeper: object = None


PHASES = {
    "l7": Phase("L7 check on 1936", 1936, http_check=True),
    "tcp": Phase("TCP check on 1936", 1936),
    "healthgate": Phase("TCP check on 18898, healthgate", GATE_PORT, gatekeeper=Healthgate()),
    "reset": Phase(
        "TCP check on 18898, guard = reset", GATE_PORT, gatekeeper=Healthgate(guard="reset", guard_ports="80")
    ),
    "relay": Phase(
        "TCP check on 18898, guard = relay", GATE_PORT, gatekeeper=Healthgate(guard="relay", guard_ports="80")
    ),
    "prototype": Phase("TCP check on 18898, prototype", GATE_PORT, gatekeeper=Prototype()),
}


@dataclass
class Window:
    """The time of one fault, from its begin until all is well again."""

    fault: str
    begin: float
    end: float
    requests: int = 0
    failures: int = 0
    by_status: dict = field(default_factory=dict)
    slowest: float = 0.0


class Record:
    """Who was in which state from when on; times are seconds since the load began."""

    def __init__(self):
        self.origin = time.monotonic()
        self.strips = {}  # name of strip -> [[since, state], ...]
        self.lock = threading.Lock()

    def note(self, strip, state):
        with self.lock:
            changes = self.strips.setdefault(strip, [])
            if not changes or changes[-1][1] != state:
                changes.append([round(time.monotonic() - self.origin, 3), state])


class Sampler(threading.Thread):
    """Looks every 200 ms at the gates, as the balancer sees them, and at the balancer's own opinion."""

    def __init__(self, record, balancer, nodes, gated):
        super().__init__(daemon=True)
        self.record, self.balancer, self.nodes, self.gated = record, balancer, nodes, gated
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(SAMPLE_SECONDS):
            for node, state in self.balancer.states().items():
                self.record.note(f"{node} balancer", state)
            for node in self.nodes if self.gated else ():
                self.record.note(f"{node.name} gate", connect(self.balancer.host, node.v4, GATE_PORT).outcome)

    def stop(self):
        self.ended.set()
        self.join()


@dataclass(frozen=True)
class Job:
    """A phase, and what is done in it: every fault in turn, all of them again until there were `responses`."""

    phase: str
    faults: tuple
    responses: int = 0
    rate: int = 0  # requests a second, 0: as fast as they go
    start_as: str = "starting"
    balancer: str = "haproxy"

    @property
    def name(self):
        return "-".join([self.phase] + [self.balancer] * (self.balancer != "haproxy") + ["long"] * (self.responses > 0))

    @property
    def title(self):
        upgrades = ", again and again" if self.responses else ""
        return PHASES[self.phase].title + (", nginx stream" if self.balancer == "nginx" else "") + upgrades


def run_job(job, say=lambda text: None):
    """Runs it; a plain value for the JSON file, the table and the plot."""
    phase = PHASES[job.phase]
    with Net() as net:
        lb = net.host("lb")
        nodes = [net.host(f"node{number}") for number in range(1, NODES + 1)]
        record = Record()
        routers = [
            Router(node, lambda state, n=node.name: record.note(f"{n} router", state), job.start_as) for node in nodes
        ]
        for router in routers:
            router.boot()
            router.become("ready")
        gatekeepers = [phase.gatekeeper.start(node, lb, nodes) for node in nodes] if phase.gatekeeper else []
        kind = {"haproxy": Balancer, "nginx": Nginx}[job.balancer]
        balancer = kind(lb, nodes, phase.port, phase.http_check, CHECK_SECONDS)
        balancer.wait_all("UP")
        time.sleep(2 * CHECK_SECONDS)  # HAProxy calls a server UP before its first check: let two of them pass
        load = Load(lb, job.rate, balancer.keep_alive)
        record.origin = load.started
        sampler = Sampler(record, balancer, nodes, phase.gatekeeper is not None)
        sampler.start()
        windows = []
        while not windows or balancer.responses() < job.responses:
            for fault in job.faults:
                time.sleep(QUIET_SECONDS)
                begin = time.monotonic()
                say(f"{job.name}: {FAULTS[fault][0]}")
                FAULTS[fault][1](routers, gatekeepers, lambda: settle(balancer))
                settle(balancer)
                windows.append(Window(fault, begin, time.monotonic()))
        time.sleep(QUIET_SECONDS)
        sampler.stop()
        answered = load.stop()
        responses, lost = balancer.responses(), balancer.lost()
        for keeper in gatekeepers:
            keeper.finish()
        logs = {path.name: path.read_text(errors="replace") for path in sorted(net.directory.glob("daemon-*/log-*"))}
    return summarize(job, record, windows, answered, lost, responses) | {"logs": logs}


def settle(balancer):
    """Until the balancer has had time to notice what happened and counts on every node again."""
    time.sleep(2 * CHECK_SECONDS + 0.5)
    balancer.wait_all("UP")


def summarize(job, record, windows, answered, lost, total):
    """`answered` is what the client tells, `lost` what the balancer's log tells, which `total` responses left.

    A bad answer stands in both, but the client has room for a million.
    """
    unanswered = [request for request, _ in lost if request.status == 0]
    requests = answered + unanswered
    half_seconds = [int((request.at - record.origin) * 2) for request in requests]
    bins = {at: [0, 0] for at in range(max(half_seconds, default=0) + 1)}  # also those without a request
    for request, at in zip(requests, half_seconds):
        row = bins[at]
        row[0] += 1
        row[1] += request.status != 200
    for window in windows:
        inside = [request for request in requests if window.begin <= request.at < window.end]
        window.requests = len(inside)
        window.failures = sum(request.status != 200 for request in inside)
        window.slowest = max((request.seconds for request in inside), default=0.0)
        for request in inside:
            window.by_status[request.status] = window.by_status.get(request.status, 0) + 1
        window.begin, window.end = round(window.begin - record.origin, 3), round(window.end - record.origin, 3)
    return {
        "name": job.name,
        "title": job.title,
        "phase": job.phase,
        "faults": job.faults,
        "requests": max(len(requests), total),
        "failures": max(sum(request.status != 200 for request in requests), len(lost)),
        "unanswered": len(unanswered),
        "lost": [line for _, line in lost[:20]],
        "windows": [asdict(window) for window in windows],
        "half_seconds": [[at / 2, *row] for at, row in bins.items()],
        "strips": record.strips,
    }
