"""metrics-listen: what a scraper, a kubelet and a person get, and that none of them delays a verdict."""

import json
import pathlib
import re
import socket
import subprocess

from certificates import self_signed
from connect import connect, wait_for
from process import wait_until
from stuck import stuck

TABLE = pathlib.Path(__file__).parents[2] / "src/observe/README.md"
PORT = 18899


def ask(host, path, *options, url=f"http://127.0.0.1:{PORT}"):
    """curl's view of `path` from `host`: status (0 without an answer) and body."""
    answer = host.run("curl", "-sS", "-m", "5", "-w", "\n%{http_code}", *options, url + path, check=False)
    body, _, code = answer.stdout.rpartition("\n")
    return int(code), body


def documented():
    """Metric to type and labels, from the table for people."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*?) ?\|", TABLE.read_text(), re.MULTILINE)
    return {name: (kind, tuple(labels.split(", ")) if labels else ()) for name, kind, labels in rows}


def exported(text):
    """The same, from what /metrics says; labels of samples, without the histograms' `le`."""
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    labels = {}
    for name, inside in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        name = base if kinds.get(base) == "histogram" else name
        labels[name] = tuple(label for label in re.findall(r'(\w+)="', inside) if label != "le")
    return {name: (kind, labels.get(name)) for name, kind in kinds.items()}


def test_metrics_are_what_the_table_says_and_promtool_accepts(lb, node, service, start_daemon):
    daemon = start_daemon()
    wait_for(lb, node.v4, 18898, "accepted")
    service.mode("500")
    daemon.wait_gate("closed")
    code, text = ask(node, "/metrics")
    assert code == 200
    table, output = documented(), exported(text)
    assert len(table) > 30
    for name, (kind, labels) in output.items():
        assert name in table, f"{name} is not documented"
        assert kind == table[name][0], name
        assert labels in (None, table[name][1]), name  # a metric may have no sample yet
    assert 'healthgate_gate_open{gate="router"} 0' in text
    assert 'router_health_status{gate="router"} 0' in text
    check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    complaints = [line for line in check.stderr.splitlines() if "check_latency_ms" not in line]
    assert complaints == [] and "error while linting" not in check.stderr


def test_status_is_what_the_control_socket_says(node, service, start_daemon):
    daemon = start_daemon()
    daemon.wait_gate("open")
    code, text = ask(node, "/status")
    assert code == 200
    assert [gate["name"] for gate in json.loads(text)["gates"]] == [gate["name"] for gate in daemon.status()["gates"]]
    assert ask(node, "/readyz") == (200, "ok\n")
    assert ask(node, "/nothing")[0] == 404
    assert ask(node, "/metrics", "-X", "POST", "-d", "x")[0] == 405


def test_livez_turns_red_while_the_deciding_thread_is_stuck(lb, node, service, start_daemon):
    daemon = start_daemon()
    daemon.wait_gate("open")
    assert ask(node, "/livez") == (200, "ok\n")
    assert 'healthgate_gate_open{gate="router"} 1' in ask(node, "/metrics")[1]
    with stuck(daemon.process.pid):
        wait_until(lambda: ask(node, "/livez")[0] == 503, 10, "/livez red")
        assert "has made no progress" in ask(node, "/livez")[1]
        assert 'healthgate_gate_open{gate="router"} 0' in ask(node, "/metrics")[1]
        assert connect(lb, node.v4, 18898).outcome == "refused"  # as the lease has run out
    wait_until(lambda: ask(node, "/livez")[0] == 200, 5, "/livez green again")
    daemon.wait_gate("open")


def test_idle_and_broken_clients_keep_no_scraper_out(node, service, start_daemon):
    daemon = start_daemon()
    daemon.wait_gate("open")
    idle = []
    with node.inside():
        for number in range(200):
            idle.append(socket.create_connection(("127.0.0.1", PORT), timeout=2))
            idle[-1].sendall((b"GET /metr", b"\x00\xff\r\n\r\n", b"GET / HTTP/1.1\r\nA: " + b"x" * 30000)[number % 3])
    assert ask(node, "/livez") == (200, "ok\n")
    assert ask(node, "/metrics")[0] == 200
    assert len(list(pathlib.Path(f"/proc/{daemon.process.pid}/fd").iterdir())) < 128
    for one in idle:
        one.close()
    assert daemon.gate()["state"] == "open"


def test_tls_and_a_token_guard_what_leaves_loopback(net, lb, node, service, start_daemon):
    self_signed(net.directory, "localhost")
    ca, token = net.directory / "localhost.crt", net.directory / "token"
    token.write_text("a-secret\n")
    globals_ = {"metrics-listen": f"0.0.0.0:{PORT}", "metrics-allow": lb.v4, "metrics-cert": ca}
    globals_ |= {"metrics-key": net.directory / "localhost.key", "metrics-token-file": token}
    daemon = start_daemon(globals_=globals_)
    daemon.wait_gate("open")
    there = {"url": f"https://localhost:{PORT}"}
    tls = ["--cacert", ca, "--resolve", f"localhost:{PORT}:{node.v4}"]
    assert ask(lb, "/metrics", *tls, **there)[0] == 401
    assert ask(lb, "/metrics", *tls, "-H", "Authorization: Bearer wrong", **there)[0] == 401
    assert ask(lb, "/metrics", *tls, "-H", "Authorization: Bearer a-secret", **there)[0] == 200
    assert ask(lb, "/metrics", *tls, "-u", "anybody:a-secret", **there)[0] == 200
    assert ask(lb, "/livez", *tls, **there)[0] == 200
    assert ask(lb, "/metrics", url=f"http://{node.v4}:{PORT}")[0] == 0
    stranger = net.host("stranger")
    assert ask(stranger, "/livez", *tls, "-m", "1", **there)[0] == 0
