"""`healthgate history`: what happened, why, and on what evidence; also after a restart and without a daemon."""

import json
import re

from connect import wait_for
from process import wait_until

PORT = 18898


def opened_and_closed(lb, node, service, daemon):
    wait_for(lb, node.v4, PORT, "accepted")
    service.mode("503")
    wait_for(lb, node.v4, PORT, "refused")
    wait_until(lambda: daemon.gate()["history"][0]["commit_seconds"] is not None, 5, "the commit's time")


def history(daemon, *words):
    return json.loads(daemon.command("history", "--json", *words).stdout)


def test_a_transition_is_told_with_its_evidence(lb, node, service, start_daemon):
    daemon = start_daemon()
    opened_and_closed(lb, node, service, daemon)
    latest = history(daemon)[0]
    assert (latest["from"], latest["to"], latest["reason"]) == ("open", "closed", "probe")
    assert [probe["passed"] for probe in latest["probes"]] == [True, False, False]  # the streak, and what was before it
    times = [probe["at"] for probe in latest["probes"]] + [latest["at"]]
    assert times == sorted(times) and len(set(times)) > 2
    assert 0 < latest["revoke_seconds"] < 0.05
    text = daemon.command("history", "router").stdout
    first = text.splitlines()[0]
    assert re.fullmatch(r"\S+Z router open -> closed after \S+, probe: .*HTTP 503.*", first), first
    assert text.count("failed after") == 2
    assert re.search(r"^    revoked in [0-9.]+ ms, table committed in [0-9.]+ ms$", text, re.M)


def test_history_outlives_a_restart_and_goes_on(lb, node, service, start_daemon):
    daemon = start_daemon()
    opened_and_closed(lb, node, service, daemon)
    before = history(daemon)
    daemon.stop()
    daemon.start()
    assert history(daemon) == before
    service.mode("200")
    wait_for(lb, node.v4, PORT, "accepted")
    assert history(daemon)[1:] == before


def test_history_is_told_from_the_files_while_the_daemon_is_down(lb, node, service, start_daemon):
    daemon = start_daemon()
    opened_and_closed(lb, node, service, daemon)
    daemon.stop()
    told = daemon.host.run(*binary(daemon, "history", "router"))
    assert "open -> closed" in told.stdout and "HTTP 503" in told.stdout
    assert str(daemon.directory / "state") in told.stderr
    assert json.loads(daemon.host.run(*binary(daemon, "history", "--json")).stdout)[0]["to"] == "closed"
    unknown = daemon.host.run(*binary(daemon, "history", "nobody"), check=False)
    assert unknown.returncode == 2 and "no history of gate nobody" in unknown.stderr


def binary(daemon, command, *words):
    from daemon import BINARY

    return [BINARY, command, "-c", daemon.config_path, *words]


def test_a_killed_daemon_says_afterwards_that_the_gate_was_out(lb, node, service, start_daemon):
    daemon = start_daemon(keys={"lease": "2s"})
    wait_until((daemon.directory / "state/history-router.jsonl").exists, 5, "the opening on disk")
    daemon.kill()
    wait_for(lb, node.v4, PORT, "refused")
    service.mode("500")
    node.run("nft", "delete", "table", "inet", "healthgate", check=False)  # nothing to take over
    daemon.start()
    latest = history(daemon)[0]
    assert (latest["from"], latest["to"], latest["reason"]) == ("open", "closed", "start")
    assert "without closing the gate" in latest["evidence"]


def test_a_damaged_file_costs_its_damaged_lines_alone_and_is_said(lb, node, service, start_daemon):
    daemon = start_daemon()
    opened_and_closed(lb, node, service, daemon)
    daemon.stop()
    file = daemon.directory / "state/history-router.jsonl"
    content = file.read_bytes()
    assert content.count(b"\n") == 2
    file.write_bytes(b"\0\xff nonsense\n" + content[:-20])
    daemon.start()
    assert [entry["to"] for entry in history(daemon)] == ["closed", "open"]  # the new daemon's own entry, and the first
    daemon.wait_log("history-router.jsonl is damaged: 1 transitions are read, 2 lines are none")


def test_a_foreign_change_is_told_with_its_writer(lb, node, service, start_daemon):
    daemon = start_daemon(globals_={"table-owner": "no"})
    wait_for(lb, node.v4, PORT, "accepted")
    for _ in range(3):
        repairs = daemon.status()["repairs"]
        node.nft("flush", "ruleset")
        wait_until(lambda: daemon.status()["repairs"] > repairs, 5, "the repair")
        wait_for(lb, node.v4, PORT, "accepted")
    entries = history(daemon)
    assert [entry["reason"] for entry in entries] == ["foreign-change", "probe"]
    assert entries[0]["actor"].startswith("nft (pid ") and "3 in a row" in entries[0]["evidence"]
    assert "stays open, foreign-change" in daemon.command("history").stdout
