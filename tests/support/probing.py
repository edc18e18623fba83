"""One run of `healthgate probe`, and the rows of the conformance table.

    found = probe(node, "http://localhost:8080/", expect_status="200-299", timeout="300ms")
    assert found.failure == "none"
"""

import itertools
import json
import os
import time
from dataclasses import dataclass, field

from daemon import BINARY

SANITIZED = os.environ.get("HEALTHGATE_VARIANT") in ("asan", "tsan")
DEADLINE_SLACK = 0.5 if SANITIZED else 0.05  # seconds after the deadline in which a verdict must be there
_numbers = itertools.count()
_proven = set()


@dataclass(frozen=True)
class Found:
    passed: bool
    failure: str  # the class, "none" for a pass
    detail: str
    took: float  # seconds, as the probe measured
    wall: float  # seconds, of the whole process
    steps: list
    answered_by: str


@dataclass
class Row:
    """A line of the table: this probe against that server ends so. `keys` are those of [probe.NAME]; a list is
    several lines."""

    what: str
    url: str
    expect: str  # the class, "none" for a pass; "reset|protocol" where versions of curl differ
    words: str = ""  # in the detail
    keys: dict = field(default_factory=dict)
    mode: str = "200"  # of the service, where it is the one that is asked
    timeout: str = "400ms"
    by_deadline: bool = True  # over by the deadline; else well before it

    def __post_init__(self):
        _proven.update(("probe", key) for key in self.keys)

    def __str__(self):
        return self.what.replace(" ", "-")


def proves(*keys, section="gate"):
    """Marks a test, or tells by a plain call, that it shows what these keys do."""
    _proven.update((section, key) for key in keys)
    return lambda test: test


def proven(section):
    """The keys of [gate.NAME] or [probe.NAME] that rows and tests imported so far show at work."""
    return {key for where, key in _proven if where == section}


def probe_section(name, url, keys):
    lines = [f"[probe.{name}]", f"url = {url}"]
    for key, value in keys.items():
        lines += [f"{key} = {one}" for one in (value if isinstance(value, list) else [value])]
    return "\n".join(lines) + "\n"


def gate_of(probe_name, timeout="400ms", port=18898):
    """A gate whose tempo leaves room for any timeout: only single probes are run here."""
    return f"[gate.tried]\nport = {port}\nprobe = @{probe_name}\ninterval = 20m\nlease = 1h\ntimeout = {timeout}\n"


def probe(host, url, keys=None, timeout="400ms", directory=None):
    """`healthgate probe --json` of one probe, in the host's namespace; what it found."""
    path = (directory or host.net.directory) / f"probe-{next(_numbers)}.conf"
    path.write_text(gate_of("one", timeout) + probe_section("one", url, keys or {}))
    started = time.monotonic()
    done = host.run(BINARY, "probe", "-c", path, "--json", check=False)
    wall = time.monotonic() - started
    if done.returncode not in (0, 1) or not done.stdout.startswith("["):
        raise RuntimeError(f"healthgate probe: exit {done.returncode}: {done.stderr}{done.stdout}")
    result = json.loads(done.stdout)[0]
    assert result["passed"] == (done.returncode == 0), "the exit code says something else than the result"
    return Found(
        result["passed"],
        result["class"],
        result["detail"],
        result["took_seconds"],
        wall,
        result["steps"],
        result["answered_by"],
    )


def seconds(text):
    return float(text.removesuffix("ms")) / 1000 if text.endswith("ms") else float(text.removesuffix("s"))


def judge(row, found):
    """Asserts that the row holds, its time included."""
    assert found.failure in row.expect.split("|"), found
    assert row.words in found.detail, found
    limit = seconds(row.timeout)
    assert found.took <= limit + DEADLINE_SLACK, found
    assert found.wall <= limit + DEADLINE_SLACK + 1, "the command hangs on behind its verdict"
    if row.expect == "timeout":
        assert found.took >= limit, "a deadline does not strike early"
    elif not row.by_deadline:
        assert found.took < limit, found
