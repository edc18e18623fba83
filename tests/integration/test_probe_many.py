"""Many gates on one loop: those whose probes hang delay no other's."""

import collections
import json
import os
import pathlib
import statistics
import time

import pytest
from bare_beats import BareBeats
from daemon import gate_config
from process import wait_until
from service import Service

GATES, HANGING = 256, 16
INTERVAL = 0.1
LIMIT = 0.010  # p99 of the slip; on a machine that is slow just now: twice that of programs that only keep a beat
ROUNDS = 3  # noise only adds: what the program can do, it does in one of three
SECONDS = 8
BARE = [f"/bare{number}" for number in range(8)]
NGINX = """\
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
events {{ worker_connections 4096; }}
http {{
    log_format arrival '$msec $uri';
    access_log {directory}/arrivals.log arrival;
    server {{ listen 1936 backlog=4096; location / {{ return 200 ok; }} }}
}}
"""


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024


def arrivals(log, since):
    """When each gate's probes came, by its path."""
    found = collections.defaultdict(list)
    for line in log.read_text().splitlines():
        when, path = line.split()
        if float(when) >= since:
            found[path].append(float(when))
    return found


def slips(times):
    """How far each arrival is from the beat that the gate keeps, in seconds."""
    phases = [(when - times[0] + INTERVAL / 2) % INTERVAL - INTERVAL / 2 for when in times]
    beat = statistics.median(phases)
    return [abs(phase - beat) for phase in phases]


def percentile(values, share):
    return sorted(values)[int(len(values) * share)]


def measured(daemon, log):
    """The figures of SECONDS, and whether they are good enough."""
    began, used = time.time(), cpu_seconds(daemon.process.pid)
    time.sleep(SECONDS)
    cpu = 100 * (cpu_seconds(daemon.process.pid) - used) / (time.time() - began)
    found = arrivals(log, began)
    bare = [slip for path in BARE for slip in slips(found.pop(path))]
    assert len(found) == GATES - HANGING
    assert all(len(times) >= 0.95 * SECONDS / INTERVAL for times in found.values()), "a fixed rate, none left out"
    ours = [slip for times in found.values() for slip in slips(times)]
    figures = {"gates": GATES, "hanging": HANGING, "hz": 1 / INTERVAL, "probes": len(ours), "cpu_percent": cpu}
    figures |= {f"slip_p{share}_ms": 1000 * percentile(ours, share / 100) for share in (50, 99)}
    figures |= {"slip_max_ms": 1000 * max(ours), "bare_slip_p99_ms": 1000 * percentile(bare, 0.99)}
    figures |= {"rss_mb": resident_mb(daemon.process.pid)}
    return figures, percentile(ours, 0.99) < max(LIMIT, 2 * percentile(bare, 0.99))


@pytest.mark.timing
def test_of_256_gates_at_10_hz_the_16_that_hang_delay_no_other(node, start_daemon, tmp_path):
    config = tmp_path / "nginx.conf"
    config.write_text(NGINX.format(directory=tmp_path))
    node.start("nginx", "-c", config)
    wait_until((tmp_path / "nginx.pid").exists, 5, "nginx")
    Service(node, port=1937, mode="silent")
    tempo = {key: "100ms" for key in ("interval", "fast_interval", "down_interval")} | {"timeout": "90ms", "jitter": "0%"}
    text = "".join(
        gate_config(
            f"g{number}", allow=["10.0.0.0/8"], port=20000 + number,
            probe=f"http://127.0.0.1:{1937 if number < HANGING else 1936}/g{number}", **tempo,
        )
        for number in range(GATES)
    )  # fmt: skip
    daemon = start_daemon(text, globals_={"log-level": "info"})
    states = lambda: collections.Counter(gate["state"] for gate in daemon.status()["gates"])  # noqa: E731
    wait_until(lambda: states()["open"] == GATES - HANGING, 20, "the healthy gates are open", 0.2)
    BareBeats(node, 1936, INTERVAL, BARE)
    log = tmp_path / "arrivals.log"
    wait_until(lambda: all(path in log.read_text() for path in BARE), 5, "the beats of the peer")
    rounds = []
    for _ in range(ROUNDS):
        figures, good = measured(daemon, log)
        rounds.append(figures)
        if good:
            break
    print(figures)
    if "HEALTHGATE_RESULTS" in os.environ:
        path = pathlib.Path(os.environ["HEALTHGATE_RESULTS"], "many-gates.json")
        path.write_text(json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=1) + "\n")
    assert good, rounds
    assert states() == {"open": GATES - HANGING, "closed": HANGING}
