"""Reload: untouched gates notice nothing, new ones begin closed, removed ones close, a bad file changes nothing."""

import os
import signal

import pytest
from connect import connect, wait_for
from daemon import gate_config
from hammer import Hammer, count
from process import wait_until

PORT, SECOND = 18898, 18897
COUNT = 1000 if os.environ.get("HEALTHGATE_LONG") == "yes" else 100


def addresses(number):
    """An allowlist that is another each time, with the balancer's address in it at its own place."""
    return [f"192.0.2.{number % 250 + 1}", "198.51.100.0/24" if number % 2 else "203.0.113.0/24"]


@pytest.mark.timing
def test_reloads_under_a_1_khz_client_reset_nobody(lb, node, service, start_daemon):
    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, "accepted")
    since = daemon.gate()["since"]
    hammer = Hammer(lb, node.v4, PORT, rate=1000, timeout=1)
    for number in range(COUNT):
        keys = {"interval": "1s" if number % 2 else "900ms", "timeout": "400ms", "lease": "3s" if number % 3 else "4s"}
        config = gate_config("router", allow=[lb.v4, lb.v6, *addresses(number)], **keys)
        if number % 2:  # another gate comes and goes beside it
            config += gate_config("second", allow=[lb.v4], port=SECOND)
        daemon.write_config(config)
        daemon.command("reload")
    seen = count(hammer.stop())
    assert set(seen) == {"accepted"} and seen["accepted"] > COUNT, seen
    assert daemon.gate()["since"] == since
    assert daemon.gate()["history"][0]["to"] == "open"
    assert daemon.gate()["lease_margin_seconds"] is None or daemon.gate()["lease_margin_seconds"] > 1


def test_new_gates_begin_closed_and_removed_ones_close(lb, node, service, start_daemon):
    router = gate_config("router", allow=[lb.v4])
    daemon = start_daemon(router)
    wait_for(lb, node.v4, PORT, "accepted")
    before = daemon.gate()
    daemon.write_config(router + gate_config("second", allow=[lb.v4], port=SECOND, probe="http://localhost:1/none"))
    assert daemon.command("reload").stdout == "reloaded\n"
    assert connect(lb, node.v4, SECOND).outcome == "refused"
    daemon.wait_gate("closed", "second")
    daemon.write_config(router + gate_config("second", allow=[lb.v4], port=SECOND))
    daemon.command("reload")
    wait_for(lb, node.v4, SECOND, "accepted")
    daemon.write_config(router)
    daemon.command("reload")
    assert connect(lb, node.v4, SECOND).outcome in ("refused", "silent")
    assert node.run("ss", "-ltnH", f"sport = :{SECOND}").stdout == ""
    wait_until(lambda: "second" not in daemon.table(), 2, "a table without the gate")
    after = daemon.gate()
    for key in ("since", "history", "transitions"):
        assert after[key] == before[key]
    assert connect(lb, node.v4, PORT).outcome == "accepted"


def test_an_untouched_gate_keeps_the_connection_to_its_service(lb, node, service, start_daemon):
    router = gate_config("router", allow=[lb.v4])
    daemon = start_daemon(router)
    wait_for(lb, node.v4, PORT, "accepted")
    established = ("ss", "-tnH", "state", "established", "dport = :1936")
    wait_until(lambda: node.run(*established).stdout, 3, "the watched connection")
    before = node.run(*established).stdout.split()
    for number in range(5):
        daemon.write_config(router + gate_config("second", allow=[lb.v4, f"192.0.2.{number}"], port=SECOND, probe="http://localhost:1/"))
        daemon.command("reload")
    assert node.run(*established).stdout.split() == before


def test_another_port_is_another_gate(lb, node, service, start_daemon):
    daemon = start_daemon(gate_config("router", allow=[lb.v4]))
    wait_for(lb, node.v4, PORT, "accepted")
    daemon.write_config(gate_config("router", allow=[lb.v4], port=SECOND))
    daemon.command("reload")
    assert connect(lb, node.v4, PORT).outcome in ("refused", "silent")
    wait_for(lb, node.v4, SECOND, "accepted")
    assert [entry["reason"] for entry in daemon.gate()["history"]] == ["probe", "reload", "probe"]


def test_a_bad_file_changes_nothing_and_says_why(lb, node, service, start_daemon):
    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, "accepted")
    before = daemon.table()
    daemon.write_config(gate_config(allow=["10.1.2.3/8"], intervall="1s"))
    refused = daemon.command("reload", check=False)
    assert refused.returncode == 1
    assert "nothing was changed" in refused.stderr
    assert "10.0.0.0/8" in refused.stderr and "intervall" in refused.stderr and "interval" in refused.stderr
    assert f"{daemon.config_path}:" in refused.stderr
    status = daemon.status()
    assert not status["last_reload_ok"] and str(daemon.config_path) in status["last_reload_error"]
    assert "allow4" in before and same_elements(daemon.table(), before)
    assert connect(lb, node.v4, PORT).outcome == "accepted"
    daemon.write_config()
    daemon.command("reload")
    assert daemon.status()["last_reload_ok"]


def same_elements(table, before):
    """The same but for what the kernel counts and remembers."""
    import re

    plain = [re.sub(r"packets \d+ bytes \d+|elements = \{[^}]*expires[^}]*\}", "", text, flags=re.S) for text in (table, before)]
    return plain[0].split() == plain[1].split()


def test_sighup_reloads(lb, node, service, start_daemon):
    daemon = start_daemon(gate_config("router", allow=["192.0.2.1"]))
    assert connect(lb, node.v4, PORT).outcome == "silent"
    daemon.write_config(gate_config("router", allow=[lb.v4]))
    daemon.signal(signal.SIGHUP)
    wait_for(lb, node.v4, PORT, "accepted")


def test_a_changed_allow_file_is_noticed(tmp_path, lb, node, service, start_daemon):
    file = tmp_path / "lb.txt"
    file.write_text("192.0.2.1\n")
    daemon = start_daemon(gate_config("router", allow_file=file))
    wait_until(lambda: daemon.gate()["state"] == "open", 5, "open")
    assert connect(lb, node.v4, PORT).outcome == "silent"
    file.write_text(f"192.0.2.1\n{lb.v4}\n")  # in place
    wait_for(lb, node.v4, PORT, "accepted")
    new = tmp_path / "lb.txt.new"
    new.write_text("192.0.2.1\n")
    new.rename(file)
    wait_for(lb, node.v4, PORT, "silent")
    file.write_text("not an address\n")
    daemon.wait_log(r"reload refused, nothing was changed: \S+lb.txt:1: ")
    file.write_text(f"{lb.v4}\n")
    wait_for(lb, node.v4, PORT, "accepted")


def test_a_configmap_swap_is_noticed(tmp_path, lb, node, service, start_daemon):
    volume = tmp_path / "volume"

    def publish(number, text):  # as a kubelet does it: a new directory, then ..data is renamed over
        directory = volume / f"..2026_{number}"
        directory.mkdir(parents=True)
        (directory / "lb.txt").write_text(text)
        (volume / "..data_tmp").symlink_to(directory.name)
        (volume / "..data_tmp").rename(volume / "..data")

    publish(1, "192.0.2.1\n")
    (volume / "lb.txt").symlink_to("..data/lb.txt")
    daemon = start_daemon(gate_config("router", allow_file=volume / "lb.txt"))
    wait_until(lambda: daemon.gate()["state"] == "open", 5, "open")
    assert connect(lb, node.v4, PORT).outcome == "silent"
    publish(2, f"{lb.v4}\n")
    wait_for(lb, node.v4, PORT, "accepted")
    publish(3, "192.0.2.1\n")
    wait_for(lb, node.v4, PORT, "silent")


def test_conf_d_is_read_again(lb, node, service, start_daemon):
    daemon = start_daemon(gate_config("router", allow=["192.0.2.1"]))
    drop_in = daemon.directory / "conf.d/50-lb.conf"
    drop_in.parent.mkdir()
    drop_in.write_text(f"[gate.router]\nallow = {lb.v4}\n")
    daemon.command("reload")
    wait_for(lb, node.v4, PORT, "accepted")
    drop_in.unlink()
    daemon.command("reload")
    wait_for(lb, node.v4, PORT, "silent")
