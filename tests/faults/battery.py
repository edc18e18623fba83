"""What a fault is, on whom it is tried, and what the load balancer may see of it.

A fault is a function with one `yield`: what stands before strikes, what stands behind ends it.

    @fault("the daemon is stopped for two leases", healthy=CLOSES, hold=2)
    def stopped(patient):
        patient.daemon.signal(signal.SIGSTOP)
        yield
        patient.daemon.signal(signal.SIGCONT)

It is tried on two nodes at once: on one the service is healthy, on the other ill. The ill one's gate must not be seen
open for a moment, a stranger must hear nothing from either, and when the fault has ended both gates must do what the
service says, without help.
"""

import contextlib
from dataclasses import asdict, dataclass, field

from connect import connect, wait_for
from daemon import Daemon
from hammer import Hammer, count, longest
from process import wait_until
from service import Service

PORT = 18898
QUICK = {"interval": "200ms", "timeout": "150ms", "fast-interval": "50ms", "lease": "1s"}
LEASE = 1.0

OPEN = "stays open"  # not one connect may fail
CLOSES = "closes"  # and must: what the gate stands for is gone, or nobody can know
SHUDDERS = "for moments"  # may refuse, each time for less than SHUDDER
EITHER = "may close"  # it is killed again and again, and what can be seen depends on the moment
SILENT = "silent"  # connects may get lost before they reach our table; none is refused
EVERY = {"accepted", "refused", "silent"}
SHUDDER = 0.25  # seconds: with a plain table a wipe costs the lease, and the next two probes give it back


@dataclass(frozen=True)
class Fault:
    name: str
    strike: object  # the context manager
    healthy: str  # what may be seen of the healthy gate
    why: str  # the words that its reason must have, where it closes and lives to tell
    hold: float  # seconds between the strike and its end
    within: float  # seconds until a gate that closes is closed
    long: bool  # only in the long form
    alone: bool  # takes so much of the machine that no other fault is tried at the same time
    remote: bool  # the service runs on a machine of its own, patient.service.host
    prepare: object  # host -> arguments of Daemon


FAULTS = []


def fault(
    name,
    healthy=OPEN,
    why="",
    hold=1.5,
    within=LEASE + 0.2,
    long=False,
    alone=False,
    remote=False,
    prepare=None,
    **daemon,
):
    def register(function):
        strike, arguments = contextlib.contextmanager(function), prepare or (lambda host: dict(daemon))
        FAULTS.append(Fault(name, strike, healthy, why, hold, within, long, alone, remote, arguments))
        return function

    return register


class Patient:
    """One node under a fault."""

    def __init__(self, net, lb, stranger, health, fault):
        self.lb, self.stranger, self.health, self.fault = lb, stranger, health, fault
        self.host = net.host(health)
        home = net.host(f"{health}-service") if fault.remote else self.host
        self.service = Service(home, 1936, "200" if health == "healthy" else "500")
        self.service.host = home
        options = fault.prepare(self.host)
        far = {"probe": f"http://{home.v4}:1936/healthz/ready"} if fault.remote else {}
        keys = QUICK | far | options.pop("keys", {})
        self.daemon = Daemon(self.host, allow=[lb.v4], keys=keys, **options)
        self.expected = "accepted" if health == "healthy" else "refused"

    def settle(self):
        wait_for(self.lb, self.host.v4, PORT, self.expected, timeout=10)
        self.daemon.wait_gate("open" if self.health == "healthy" else "closed")

    def watch(self):
        self.hammer = Hammer(self.lb, self.host.v4, PORT, rate=200)
        self.stranger_hammer = Hammer(self.stranger, self.host.v4, PORT, rate=20)

    def normal_again(self):
        """Without help; seconds are measured by the caller."""
        wait_for(self.lb, self.host.v4, PORT, self.expected, timeout=10)

    def reasons(self):
        """Of its transitions; waits for a control socket that is busy."""
        wait_until(lambda: self.daemon.command("status", check=False).returncode in (0, 1), 10, "the control socket")
        return [f"{change['reason']}: {change['evidence']}" for change in self.daemon.gate()["history"]]

    def works(self):
        """Both ways: ill and healthy again, or the other way round."""
        turn = [("500", "refused"), ("200", "accepted")]
        for mode, outcome in turn if self.health == "healthy" else reversed(turn):
            self.service.mode(mode)
            wait_for(self.lb, self.host.v4, PORT, outcome, timeout=10)
        stranger = lambda: connect(self.stranger, self.host.v4, PORT).outcome  # noqa: E731
        wait_until(lambda: stranger() == "silent", 1, "a stranger hears nothing")


@dataclass
class Row:
    """What was seen of one node under one fault; a line of the table."""

    fault: str
    health: str
    may: str
    seen: dict = field(default_factory=dict)
    closed_after: float = None  # seconds from the strike to the first refusal
    longest_refusal: float = 0.0
    normal_after: float = None  # seconds from the fault's end
    reasons: list = field(default_factory=list)
    wrong: list = field(default_factory=list)

    def value(self):
        return asdict(self)


def judge(row, attempts, strangers, fault, struck):
    """Fills `row` with what was seen and what is wrong with it."""
    row.seen = dict(count(attempts))
    refusals = [one for one in attempts if one.outcome == "refused"]
    row.closed_after = round(refusals[0].started - struck, 3) if refusals else None
    row.longest_refusal = round(longest(attempts, "refused"), 3)
    heard = set(count(strangers)) - {"silent"}
    if heard:
        row.wrong.append(f"a stranger was {', '.join(sorted(heard))}")
    if row.health == "unhealthy":
        allowed, row.may = {"refused", "silent"} if fault.healthy in (SILENT, SHUDDERS) else {"refused"}, "stays closed"
        if set(row.seen) - allowed:
            row.wrong.append(f"closed gate: {row.seen}")
    elif fault.healthy == OPEN and set(row.seen) != {"accepted"}:
        row.wrong.append(f"open gate: {row.seen}")
    elif fault.healthy == SILENT and "refused" in row.seen:
        row.wrong.append(f"refused {row.seen['refused']} times")
    elif fault.healthy == SHUDDERS and (row.longest_refusal > SHUDDER or set(row.seen) - EVERY):
        row.wrong.append(f"{row.seen}, refused for up to {row.longest_refusal} s")
    elif fault.healthy == CLOSES:
        window = (struck + fault.within, struck + fault.hold)
        late = [one for one in attempts if one.outcome == "accepted" and window[0] < one.started < window[1]]
        if row.closed_after is None or late:
            row.wrong.append(f"accepted until {late[-1].started - struck:.2f} s" if late else "never closed")
        if fault.why and not any(fault.why in reason for reason in row.reasons):
            row.wrong.append(f"no reason has the words '{fault.why}': {row.reasons}")
