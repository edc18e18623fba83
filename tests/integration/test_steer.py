"""Steering: drain, force-open, auto and drain-file; who may, what wins, and what remains to be seen of it."""

import json
import subprocess
import time

import pytest
from connect import connect, wait_for
from daemon import BINARY, gate_config
from process import wait_until

PORT = 18898
STRANGER_IDS = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def transition(daemon, to):
    """Waits until that is the latest transition; the transition."""
    return daemon.wait_gate(lambda gate: gate["history"] and gate["history"][0]["to"] == to)["history"][0]


def test_a_drain_closes_is_seen_everywhere_and_auto_ends_it(lb, node, service, start_daemon):
    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, "accepted")
    done = daemon.command("drain", "router", "--reason", "kernel update")
    assert done.stdout == "router is drained until `auto`\n"
    assert connect(lb, node.v4, PORT).outcome == "refused"  # by the time the command has ended
    order = daemon.gate()["override"]
    assert (order["kind"], order["who"], order["reason"]) == ("drain", "root (uid 0)", "kernel update")
    assert daemon.gate()["history"][0]["actor"] == "root (uid 0)"
    wait_until(lambda: "drain by root _uid 0_: kernel update" in daemon.table(), 2, "the chain's comment")
    assert "drain by root" in daemon.command("status", check=False).stdout
    assert "drain by root" in daemon.command("history").stdout
    daemon.wait_log(r"gate router closed: drain by root \(uid 0\): kernel update")
    assert daemon.command("auto", "router").stdout == "router follows its probes\n"
    wait_for(lb, node.v4, PORT, "accepted")
    assert daemon.gate()["override"] is None
    wait_until(lambda: "drain" not in daemon.table(), 2, "the chain's comment")


def test_a_drain_wins_over_everything(lb, node, service, start_daemon):
    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, "accepted")
    daemon.command("force-open", "router")
    daemon.command("drain", "router")
    refused = daemon.command("force-open", "router", check=False)
    assert refused.returncode == 1
    assert refused.stderr == (
        "healthgate force-open: gate router is drained by root (uid 0), which wins over force-open; "
        "`healthgate auto router` ends the drain\n"
    )
    daemon.command("probe-now", "router")  # a probe that passes changes nothing
    assert connect(lb, node.v4, PORT).outcome == "refused"


def test_force_open_wins_over_probes(lb, node, service, start_daemon):
    service.mode("500")
    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, "refused")
    daemon.command("force-open", "router", "--reason", "the probe is wrong")
    wait_for(lb, node.v4, PORT, "accepted")
    wait_until(lambda: "force-open by root _uid 0_: the probe is wrong" in daemon.table(), 2, "the chain's comment")
    def failures(gate):
        return gate["probes"][0]["failures"].get("status", 0)

    before = failures(daemon.gate())
    daemon.wait_gate(lambda gate: failures(gate) > before + 2)
    assert connect(lb, node.v4, PORT).outcome == "accepted"
    daemon.command("auto", "router")
    wait_for(lb, node.v4, PORT, "refused")


def test_force_open_never_wins_over_a_missing_allowlist_table(net, lb, node, service, start_daemon):
    stranger = net.host("stranger")
    daemon = start_daemon(globals_={"table-owner": "no"}, keys={"lease": "2s"})
    wait_for(lb, node.v4, PORT, "accepted")
    daemon.command("force-open", "router")
    thief = node.start("nft", "-i", stdin=subprocess.PIPE)  # owns a table of our name: ours cannot come back
    thief.popen.stdin.write(b"delete table inet healthgate; add table inet healthgate { flags owner; }\n")
    thief.popen.stdin.flush()
    daemon.wait_gate("unknown")
    assert connect(stranger, node.v4, PORT).outcome == "silent"
    wait_for(lb, node.v4, PORT, "silent", timeout=3)  # when the last lease would have ended
    assert daemon.gate()["override"]["kind"] == "force-open"
    daemon.command("force-open", "router")  # saying it again does not help
    for _ in range(5):
        for host in (lb, stranger):
            assert connect(host, node.v4, PORT).outcome == "silent"
    thief.end()
    wait_for(lb, node.v4, PORT, "accepted", timeout=15)
    assert connect(stranger, node.v4, PORT).outcome == "silent"


@pytest.mark.parametrize("command, during, after", [("drain", "refused", "accepted"), ("force-open", "accepted", "refused")])
def test_an_override_ends_by_itself(lb, node, service, start_daemon, command, during, after):
    service.mode("200" if command == "drain" else "500")
    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, after)
    began = time.monotonic()
    assert daemon.command(command, "router", "--for", "1s").stdout.endswith("for 1s\n")
    wait_for(lb, node.v4, PORT, during, timeout=0.8)
    wait_for(lb, node.v4, PORT, after)
    assert 0.9 < time.monotonic() - began < 2.5
    assert daemon.gate()["override"] is None
    daemon.wait_log("override ended by its time")


def test_an_override_is_remembered_over_a_restart_with_who_and_when(lb, node, service, start_daemon):
    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, "accepted")
    daemon.command("drain", "router", "--for", "1h", "--reason", "disk swap")
    before = daemon.gate()["override"]
    for end in (daemon.stop, daemon.kill):
        wait_until((daemon.directory / "state/overrides.json").exists, 2, "the remembered file")
        end()
        daemon.start()
        assert daemon.gate()["override"] == before
        assert connect(lb, node.v4, PORT).outcome == "refused"
    wait_until(lambda: "drain by root" in daemon.table(), 2, "the chain's comment")
    daemon.command("auto", "--all")
    wait_for(lb, node.v4, PORT, "accepted")
    daemon.stop()
    daemon.start()
    assert daemon.gate()["override"] is None


def test_an_override_that_ended_while_no_daemon_ran_is_over(lb, node, service, start_daemon):
    service.mode("500")
    daemon = start_daemon()
    daemon.command("force-open", "router", "--for", "1h")
    wait_for(lb, node.v4, PORT, "accepted")
    daemon.stop()
    file = daemon.directory / "state/overrides.json"
    remembered = json.loads(file.read_text())
    remembered["overrides"][0]["until"] = time.time() - 1
    file.write_text(json.dumps(remembered))
    daemon.start()
    assert daemon.gate()["override"] is None
    assert daemon.gate()["state"] in ("starting", "closed")
    daemon.wait_log("the override by root .* ended while no daemon ran")


def test_a_broken_overrides_file_is_said_and_stops_nothing(lb, node, service, start_daemon):
    daemon = start_daemon()
    daemon.stop()
    (daemon.directory / "state/overrides.json").write_text('{"version": 1, "overr')
    daemon.start()
    daemon.wait_log("overrides.json is not read, no override is in force")
    wait_for(lb, node.v4, PORT, "accepted")


def test_a_drain_file_drains_while_it_is_there(tmp_path, lb, node, service, start_daemon):
    file = tmp_path / "out-of-service"
    daemon = start_daemon(keys={"drain-file": file})
    wait_for(lb, node.v4, PORT, "accepted")
    file.touch()
    wait_for(lb, node.v4, PORT, "refused")
    assert daemon.gate()["override"]["who"] == "drain-file"
    wait_until(lambda: "drain by drain-file" in daemon.table(), 2, "the chain's comment")
    for command in ("auto", "force-open"):  # neither ends it
        refused = daemon.command(command, "router", check=False)
        assert refused.returncode == 1 and f"remove the file {file}" in refused.stderr
    daemon.stop()
    daemon.start()
    assert daemon.gate()["override"]["who"] == "drain-file"
    file.unlink()
    wait_for(lb, node.v4, PORT, "accepted")
    daemon.wait_log("gate router: drain-file removed")


def test_an_override_that_changes_no_verdict_is_told_all_the_same(lb, node, service, start_daemon):
    service.mode("500")
    daemon = start_daemon()
    wait_until(lambda: daemon.gate()["state"] == "closed", 3, "probed")
    daemon.command("drain", "router")
    latest = transition(daemon, "closed")
    assert (latest["from"], latest["reason"], latest["actor"]) == ("closed", "drain", "root (uid 0)")
    wait_until(lambda: "drain by root" in daemon.table(), 2, "the chain's comment")
    daemon.command("auto", "router")
    wait_until(lambda: "HTTP 500" in daemon.table(), 2, "the chain's comment")
    assert daemon.gate()["history"][0]["evidence"] == "override ended by root (uid 0)"


def test_all_drains_every_gate_and_nothing_less_is_done_for_a_wrong_name(lb, node, service, start_daemon):
    daemon = start_daemon(
        gate_config("router", allow=[lb.v4]) + gate_config("second", allow=[lb.v4], port=18897)
    )
    for port in (PORT, 18897):
        wait_for(lb, node.v4, port, "accepted")
    unknown = daemon.command("drain", "ruter", check=False)
    assert unknown.returncode == 2
    assert unknown.stderr == "healthgate drain: no gate is called 'ruter'; there are: router, second\n"
    daemon.command("drain", "second")
    assert (connect(lb, node.v4, PORT).outcome, connect(lb, node.v4, 18897).outcome) == ("accepted", "refused")
    assert daemon.command("drain", "--all").stdout.count("is drained") == 2
    assert connect(lb, node.v4, PORT).outcome == "refused"


@pytest.mark.parametrize("public", ["no", "yes"])
def test_another_user_may_not_steer(lb, node, service, start_daemon, public):
    daemon = start_daemon(globals_={"status-public": public})
    wait_for(lb, node.v4, PORT, "accepted")
    for directory in (daemon.directory, *daemon.directory.parents):  # pytest's are 0700
        if directory.stat().st_uid == 0 and directory.stat().st_mode & 0o005 != 0o005 and "pytest" in str(directory):
            directory.chmod(0o755)

    def stranger(*words):
        return node.run(*STRANGER_IDS, BINARY, *words, "--control", daemon.control, check=False)

    read = stranger("status")
    assert read.returncode == (0 if public == "yes" else 2), read.stderr
    for words in (["drain", "router"], ["force-open", "router"], ["auto", "router"], ["probe-now"], ["reload"]):
        done = stranger(*words)
        assert done.returncode == 2, words
        assert done.stderr.startswith(f"healthgate {words[0]}: ") and done.stderr.count("\n") == 1, done.stderr
        assert "permission" in done.stderr or "may not" in done.stderr, done.stderr
    assert connect(lb, node.v4, PORT).outcome == "accepted"
