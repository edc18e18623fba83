"""Programs that follow a gate: the hook, keepalived's track_file, HAProxy's agent-check, HTTP checks."""

import csv
import io
import json
import socket
import time
import urllib.error
import urllib.request

import pytest
from connect import connect, wait_for
from process import wait_until

PORT, AGENT, HTTP = 18898, 18880, 18881


@pytest.fixture
def hook(tmp_path):
    """Writes a hook; the function that reads its log: one line a run."""
    log = tmp_path / "runs"

    def write(body=""):
        program = tmp_path / "hook"
        program.write_text(
            "#!/bin/sh\n"
            f'echo "$1 $2 $HEALTHGATE_STATE $HEALTHGATE_PORT [$HEALTHGATE_REASON] [$HEALTHGATE_OVERRIDE] $$" >>{log}\n{body}\n'
        )
        program.chmod(0o755)
        return program

    write.runs = lambda: log.read_text().splitlines() if log.exists() else []
    return write


def states(hook):
    return [line.split()[1] for line in hook.runs()]


# --- on-transition ---


def test_the_hook_is_told_each_state_after_the_gate_has_moved(lb, node, service, start_daemon, hook):
    daemon = start_daemon(keys={"on-transition": hook()})
    wait_until(lambda: states(hook) == ["closed", "open"], 5, "told at start and when it opened")
    assert connect(lb, node.v4, PORT).outcome == "accepted"
    service.mode("500")
    wait_until(lambda: states(hook)[2:] == ["closed"], 5, "told that it closed")
    assert connect(lb, node.v4, PORT).outcome == "refused"
    assert hook.runs()[2].startswith("router closed closed 18898 [HTTP 500")
    daemon.command("drain", "router")
    wait_until(lambda: len(hook.runs()) == 4, 5, "told of a drain that changes no verdict")
    assert "[drain]" in hook.runs()[3]


def test_the_hook_is_told_of_the_end(lb, node, service, start_daemon, hook):
    daemon = start_daemon(keys={"on-transition": hook()})
    wait_until(lambda: states(hook) == ["closed", "open"], 5, "open")
    assert daemon.stop() == 0
    assert states(hook) == ["closed", "open", "closed"]


def test_a_slow_hook_runs_alone_and_is_told_the_newest_state(lb, node, service, start_daemon, hook):
    daemon = start_daemon(keys={"on-transition": hook("sleep 1.5")})
    wait_for(lb, node.v4, PORT, "accepted")
    for _ in range(3):
        daemon.command("drain", "router")
        daemon.command("auto", "router")
    assert len(hook.runs()) == 1  # the first still runs
    wait_until(lambda: len(hook.runs()) == 2, 4, "the newest state, in one run")
    time.sleep(1.7)
    assert states(hook) == ["closed", "open"]


def test_a_hanging_hook_is_killed_with_its_group_and_delays_no_verdict(lb, node, service, start_daemon, hook):
    daemon = start_daemon(keys={"on-transition": hook("sleep 1000 & sleep 1000"), "on-transition-timeout": "500ms"})
    wait_for(lb, node.v4, PORT, "accepted", timeout=1)  # two probes, while the hook hangs
    daemon.wait_log(r"on-transition \S+/hook: killed at its deadline of 500ms")
    group = hook.runs()[0].split()[-1]
    wait_until(lambda: not node.run("pgrep", "-g", group, check=False).stdout, 2, "nobody is left of its group")
    wait_until(lambda: len(hook.runs()) == 2, 2, "the next run")


@pytest.mark.parametrize("body, said", [("echo no such VIP >&2; exit 3", "exit status 3: no such VIP"), ("kill -9 $$", "signal 9")])
def test_a_failing_hook_is_logged(node, service, start_daemon, hook, body, said):
    start_daemon(keys={"on-transition": hook(body)}).wait_log(rf"on-transition \S+/hook: .*{said}")


def test_a_missing_hook_is_logged(lb, node, service, start_daemon, tmp_path):
    daemon = start_daemon(keys={"on-transition": tmp_path / "none"})
    daemon.wait_log("on-transition .*/none: cannot run .*: No such file or directory")
    wait_for(lb, node.v4, PORT, "accepted")


# --- track-file and keepalived ---


def test_the_track_file_follows_the_gate(lb, node, service, start_daemon, tmp_path):
    file = tmp_path / "track"
    daemon = start_daemon(keys={"track-file": file})
    wait_until(lambda: file.exists() and file.read_text() == "0\n", 5, "well")
    daemon.command("drain", "router")
    wait_until(lambda: file.read_text() == "1\n", 5, "a fault")
    daemon.command("auto", "router")
    wait_until(lambda: file.read_text() == "0\n", 5, "well")
    daemon.stop()
    assert file.read_text() == "1\n"


KEEPALIVED = """
vrrp_track_file gate {{ file {file} }}
vrrp_instance vip {{
  state BACKUP
  interface eth0
  virtual_router_id 7
  priority {priority}
  advert_int 0.1
  unicast_src_ip {own}
  unicast_peer {{ {other} }}
  virtual_ipaddress {{ 10.77.0.200/24 }}
  track_file {{ gate weight 0 }}
}}
"""


def test_keepalived_moves_the_vip_with_the_gate(net, lb, node, service, start_daemon, tmp_path):
    second = net.host("second")
    files = {node: tmp_path / "track-node", second: tmp_path / "track-second"}
    files[second].write_text("0\n")
    start_daemon(keys={"track-file": files[node]})
    wait_until(lambda: files[node].exists() and files[node].read_text() == "0\n", 5, "the gate opens")
    for host, other, priority in ((node, second, 150), (second, node, 100)):
        config = tmp_path / f"keepalived-{host.name}.conf"
        config.write_text(KEEPALIVED.format(file=files[host], priority=priority, own=host.v4, other=other.v4))
        pids = [tmp_path / f"{host.name}-{kind}.pid" for kind in ("main", "vrrp")]
        host.start("keepalived", "-n", "-l", "-D", "-P", "-f", config, "-p", pids[0], "-r", pids[1])

    def holder():
        return [host.name for host in (node, second) if "10.77.0.200/24" in host.run("ip", "-4", "address").stdout]

    wait_until(lambda: holder() == ["node"], 10, "the node with the better priority holds the VIP")
    service.mode("500")
    wait_until(lambda: holder() == ["second"], 10, "the VIP leaves the node")
    service.mode("200")
    wait_until(lambda: holder() == ["node"], 10, "the VIP comes back")


# --- agent-listen and HAProxy ---


def agent(host, address):
    with host.inside():
        client = socket.create_connection((address, AGENT), timeout=2)
    with client:
        said = b""
        while chunk := client.recv(100):
            said += chunk
    return said.decode()


def test_the_agent_says_the_whole_state_each_time(net, lb, node, service, start_daemon):
    daemon = start_daemon(keys={"agent-listen": f"0.0.0.0:{AGENT}"})
    wait_until(lambda: agent(lb, node.v4) == "ready up\n", 5, "up")
    daemon.command("drain", "router", "--reason", "update")
    assert agent(lb, node.v4) == "drain up #drain by root (uid 0): update\n"
    daemon.command("auto", "router")
    service.mode("500")
    wait_until(lambda: agent(lb, node.v4).startswith("ready down #HTTP 500"), 5, "down")
    assert connect(net.host("stranger"), node.v4, AGENT).outcome == "silent"


HAPROXY = """
global
  stats socket {socket} mode 600 level admin
defaults
  mode tcp
  timeout connect 1s
  timeout client 5s
  timeout server 5s
listen app
  bind 127.0.0.1:8080
  server node {node}:1936 check port 18898 inter 200ms fall 2 rise 2 agent-check agent-addr {node} agent-port {agent} agent-inter 200ms
"""


def test_haproxy_follows_the_agent(lb, node, service, start_daemon, tmp_path):
    daemon = start_daemon(keys={"agent-listen": f"{node.v4}:{AGENT}"})
    wait_for(lb, node.v4, PORT, "accepted")
    config, admin = tmp_path / "haproxy.cfg", tmp_path / "admin.sock"
    config.write_text(HAPROXY.format(socket=admin, node=node.v4, agent=AGENT))
    lb.start("haproxy", "-db", "-f", config)

    def server():
        client = socket.socket(socket.AF_UNIX)
        with client:
            client.connect(str(admin))
            client.sendall(b"show stat\n")
            text = b"".join(iter(lambda: client.recv(65536), b"")).decode()
        rows = csv.DictReader(io.StringIO(text.lstrip("# ")))
        return next(row for row in rows if row["svname"] == "node")

    wait_until(admin.exists, 5, "HAProxy's socket")
    wait_until(lambda: server()["status"] == "UP" and server()["agent_status"] == "L7OK", 5, "up by check and agent")
    daemon.command("drain", "router")
    wait_until(lambda: server()["last_agt"] == "via agent : up (drain by root (uid 0))", 5, "the agent's word")
    wait_until(lambda: server()["status"].startswith(("DRAIN", "DOWN")), 5, "drained")
    daemon.command("auto", "router")
    wait_until(lambda: server()["status"] == "UP", 5, "up again, without anybody's help")
    service.mode("500")
    wait_until(lambda: server()["status"].startswith("DOWN") and server()["agent_status"] == "L7STS", 5, "down")
    daemon.command("drain", "router")
    service.mode("200")
    daemon.command("auto", "router")
    wait_until(lambda: server()["status"] == "UP", 5, "up again after a drain during a failure")


# --- http-listen ---


def http(host, address, method="GET", path="/healthz"):
    """(status, headers, body) of one request."""
    shown = f"[{address}]" if ":" in address else address
    request = urllib.request.Request(f"http://{shown}:{HTTP}{path}", method=method)
    with host.inside():
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=2) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()


@pytest.mark.parametrize("family", ["v4", "v6"])
def test_http_checks_are_answered_by_status(net, lb, node, service, start_daemon, family):
    daemon = start_daemon(keys={"http-listen": f"[::]:{HTTP}"})
    address = getattr(node, family)
    wait_for(lb, node.v4, PORT, "accepted")
    status, headers, body = http(lb, address)
    assert status == 200 and headers["Content-Type"] == "application/json" and headers["Cache-Control"] == "no-store"
    assert json.loads(body) | {"since": ""} == {
        "gate": "router", "port": PORT, "state": "open", "since": "", "reason": "HTTP 200", "override": ""
    }
    daemon.command("drain", "router")
    status, _, body = http(lb, address, path="/anything?at=all")
    assert status == 503 and json.loads(body)["override"] == "drain"
    assert http(lb, address, method="HEAD")[2] == b""
    assert connect(net.host("stranger"), address, HTTP).outcome == "silent"


def test_clients_that_say_nothing_or_too_much_hinder_nobody(lb, node, service, start_daemon):
    daemon = start_daemon(keys={"http-listen": f"0.0.0.0:{HTTP}", "agent-listen": f"0.0.0.0:{AGENT}"})
    wait_for(lb, node.v4, PORT, "accepted")
    clients = []
    with lb.inside():
        for number in range(150):
            clients.append(socket.create_connection((node.v4, (HTTP, AGENT)[number % 2]), timeout=2))
            if number % 3 == 0:
                clients[-1].sendall(b"x" * 3000)
    assert http(lb, node.v4)[0] == 200
    assert agent(lb, node.v4) == "ready up\n"
    assert daemon.gate()["state"] == "open"
    for client in clients:
        client.close()


def test_a_taken_port_is_said_and_had_when_it_is_free(lb, node, service, start_daemon):
    holder = node.start("socat", f"TCP-LISTEN:{HTTP},fork,reuseaddr", "EXEC:cat")
    wait_for(node, "127.0.0.1", HTTP, "accepted")
    daemon = start_daemon(keys={"http-listen": f"0.0.0.0:{HTTP}"})
    daemon.wait_log(f"http-listen 0.0.0.0 port {HTTP} is tried again: bind: Address already in use")
    wait_for(lb, node.v4, PORT, "accepted")
    holder.end()
    wait_until(lambda: connect(lb, node.v4, HTTP).outcome == "accepted" and http(lb, node.v4)[0] == 200, 5, "answered")


def test_a_reload_opens_and_closes_ports(lb, node, service, start_daemon):
    from daemon import gate_config

    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, "accepted")
    daemon.write_config(gate_config(allow=[lb.v4, lb.v6], http_listen=f"0.0.0.0:{HTTP}"))
    daemon.command("reload")
    wait_until(lambda: connect(lb, node.v4, HTTP).outcome == "accepted", 2, "the port")
    assert http(lb, node.v4)[0] == 200
    daemon.write_config()
    daemon.command("reload")
    wait_until(lambda: connect(lb, node.v4, HTTP).outcome == "refused", 2, "no port")
