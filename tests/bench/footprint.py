"""What it costs to run, idle: CPU and memory with a probe a second for each gate, healthy."""

import os
import pathlib
import sys
import time

from daemon import Daemon, gate_config
from netns import Net
from process import wait_until
from reaction import PROTOTYPE, Keepalived

SECONDS = 20
NGINX = """\
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_timeout 1h;
    keepalive_requests 1000000;
    server {{ listen 1936 backlog=4096; location / {{ return 200 ok; }} }}
}}
"""
TICK = os.sysconf("SC_CLK_TCK")


def family(pid):
    """pid and its children."""
    pids = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            pids += family(int(child))
    return pids


def cpu_seconds(pid):
    """Of the process and its children, those that ended among them."""
    total = 0
    for one in family(pid):
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        total += sum(int(field) for field in (fields[11:15] if one == pid else fields[11:13]))
    return total / TICK


def resident_mb(pid):
    """Proportional set size: what forks share is counted once."""
    total = 0
    for one in family(pid):
        rollup = pathlib.Path(f"/proc/{one}/smaps_rollup").read_text()
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024


def sample(pid, who, gates):
    time.sleep(2)
    before = cpu_seconds(pid)
    time.sleep(SECONDS)
    cpu = 100 * (cpu_seconds(pid) - before) / SECONDS
    return [one_value("CPU of one core, idle", who, gates, "%", cpu), one_value("memory", who, gates, "MB", resident_mb(pid))]


def one_value(row, who, gates, unit, value):
    return {"row": row, "where": f"{who}, {gates} gate{'s' * (gates > 1)}", "unit": unit, "n": 1, "median": value, "min": value, "max": value}


def serve(node):
    config = node.net.directory / "nginx.conf"
    config.write_text(NGINX.format(directory=node.net.directory))
    node.start("nginx", "-c", config)
    wait_until((node.net.directory / "nginx.pid").exists, 5, "nginx")


def healthgate(gates):
    with Net() as net:
        node = net.host("node")
        serve(node)
        probe = "http://127.0.0.1:1936/healthz/ready"
        keys = {"interval": "1s", "timeout": "500ms", "probe": probe}
        config = "".join(
            gate_config(f"g{number}", allow=["10.0.0.0/8"], port=20000 + number, **keys) for number in range(gates)
        )
        daemon = Daemon(node, config=config, globals_={"log-level": "info"})
        wait_until(lambda: all(gate["state"] == "open" for gate in daemon.status()["gates"]), 30, "all gates open", 0.2)
        return sample(daemon.process.pid, "healthgate", gates)


def peer(who, start):
    with Net() as net:
        node = net.host("node")
        serve(node)
        return sample(start(node).pid, who, 1)


def measure(_programs, _rounds):
    rows = []
    for gates in (1, 16, 256, 1000):
        rows += healthgate(gates)
    rows += peer("Python prototype", lambda node: node.start(sys.executable, PROTOTYPE))
    rows += peer("keepalived vrrp_script", lambda node: Keepalived(None, node).process)
    return sorted(rows, key=lambda one: one["row"])
