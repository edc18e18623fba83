"""The log: what it says, in which form, and that no disk, pipe or journal behind it ever delays a verdict."""

import fcntl
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import termios
import time

import pytest
from connect import connect, wait_for
from process import wait_until

PORT = 18898


def moved(lb, node, service, mode, outcome):
    """Seconds from the service's change to what the balancer sees of it."""
    service.mode(mode)
    began = time.monotonic()
    wait_for(lb, node.v4, PORT, outcome, timeout=10)
    return time.monotonic() - began


# --- unknown askers ---


def test_a_changed_balancers_address_is_found_within_a_probe(net, lb, node, service, start_daemon):
    other = net.host("snat")
    daemon = start_daemon()
    wait_until(lambda: daemon.gate()["state"] == "open", 5, "open")
    assert connect(other, node.v4, PORT).outcome == "silent"
    daemon.wait_log(rf"warning: gate router: {other.v4} asks and is not allowed, and nobody who is has asked for 30s; .*allow = {other.v4}", timeout=2)
    assert [source["address"] for source in daemon.gate()["denied_sources"]] == [other.v4]
    assert connect(lb, node.v4, PORT).outcome == "accepted"
    assert [source["address"] for source in daemon.gate()["sources"]] == [lb.v4]
    assert daemon.gate()["sources"][0]["seconds_ago"] < 5
    assert connect(other, node.v6, PORT).outcome == "silent"
    daemon.wait_log(rf"info: gate router: {other.v6} asks and is not allowed ", timeout=2)


def test_a_scan_does_not_fill_the_log(net, lb, node, service, start_daemon):
    scanner = net.host("scanner")
    daemon = start_daemon()
    for number in range(50):
        scanner.add_address(f"10.77.0.{100 + number}/24")
    for _ in range(2):
        for number in range(50):
            connect(scanner, node.v4, PORT, timeout=0.01, source=f"10.77.0.{100 + number}")
    daemon.wait_log("asks and is not allowed")
    wait_until(lambda: len(daemon.gate()["denied_sources"]) == 50, 2, "all of them in the status")
    time.sleep(1.5)
    assert daemon.log().count("asks and is not allowed") == 5


# --- what is said ---


def test_a_failure_is_said_once_a_streak_and_nothing_a_probe(lb, node, service, start_daemon):
    daemon = start_daemon(globals_={"log-level": "info"}, keys={"interval": "200ms", "timeout": "150ms"})
    wait_for(lb, node.v4, PORT, "accepted")
    moved(lb, node, service, "503", "refused")
    failures = daemon.gate()["probes"][0]["failures"]["status"]
    daemon.wait_gate(lambda gate: gate["probes"][0]["failures"]["status"] > failures + 10)
    moved(lb, node, service, "200", "accepted")
    log = daemon.log()
    assert log.count("probe fails: HTTP 503") == 1
    assert log.count("probe passes: HTTP 200") == 2
    closed = re.search(r"^\S+Z info: gate router closed: HTTP 503.* gate=router verdict=closed from=open reason=probe revoke_us=\d+$", log, re.M)
    assert closed, log
    assert len(log.splitlines()) < 15, log


def test_json_lines_carry_the_fields(lb, node, service, start_daemon):
    daemon = start_daemon(globals_={"log-format": "json"})
    wait_for(lb, node.v4, PORT, "accepted")
    service.header("X-Odd: \\xff")
    moved(lb, node, service, "500", "refused")
    daemon.stop()
    lines = [json.loads(line) for line in daemon.log().splitlines()]
    closed = next(line for line in lines if line.get("verdict") == "closed")
    assert (closed["level"], closed["gate"], closed["reason"]) == ("info", "router", "probe")
    assert "HTTP 500" in closed["message"] and closed["time"].endswith("Z")


# --- the journal ---


class FakeJournal:
    """What listens on /run/systemd/journal/socket in the daemon's mount namespace: the native protocol."""

    def __init__(self, directory):
        self.directory = directory / "journal"
        self.directory.mkdir()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.directory / "socket"))
        self.socket.settimeout(5)

    def entry(self):
        fields = {}
        data = self.socket.recv(65536)
        for line in data.decode().split("\n"):
            name, equals, value = line.partition("=")
            if equals:
                fields[name] = value
        return fields

    def until(self, condition):
        """The first entry for which it holds."""
        return next(entry for entry in iter(self.entry, None) if condition(entry))


@pytest.fixture
def journal(tmp_path):
    return FakeJournal(tmp_path)


def in_a_mount_namespace(journal, node):
    """Wraps `node.start` so that the daemon sees the fake journal where journald's socket is."""
    start = node.start

    def wrapped(*argv, **options):
        script = 'mkdir -p /run/systemd/journal; mount --bind "$0" /run/systemd/journal && exec "$@"'
        prepare = "mount -t tmpfs none /run/systemd; " if os.path.isdir("/run/systemd") else "mkdir -p /run/systemd; "
        return start("unshare", "--mount", "sh", "-c", prepare + script, journal.directory, *argv, **options)

    return wrapped


def test_the_journal_gets_fields(lb, node, service, start_daemon, journal, monkeypatch):
    monkeypatch.setattr(node, "start", in_a_mount_namespace(journal, node))
    start_daemon(globals_={"log-format": "journal"})
    opened = journal.until(lambda entry: entry.get("HEALTHGATE_VERDICT") == "open")
    assert opened["HEALTHGATE_GATE"] == "router" and opened["HEALTHGATE_REASON"] == "probe"
    assert opened["PRIORITY"] == "6" and opened["SYSLOG_IDENTIFIER"] == "healthgate"
    assert opened["MESSAGE"] == "gate router opens: HTTP 200"


JOURNALD = pathlib.Path("/lib/systemd/systemd-journald")


@pytest.mark.skipif(not JOURNALD.exists(), reason="no systemd-journald")
def test_a_real_journal_finds_entries_by_their_fields(lb, node, service, start_daemon, tmp_path, monkeypatch):
    files = tmp_path / "log"
    (files / "journal").mkdir(parents=True)
    script = (
        "mkdir -p /run/systemd /run/log && mount -t tmpfs none /run/systemd && mkdir /run/systemd/journal"
        f' && mount --bind "$0" /run/log && {{ {JOURNALD} & }}'
        ' && until [ -S /run/systemd/journal/socket ]; do sleep 0.05; done; exec "$@"'
    )
    start = node.start
    monkeypatch.setattr(
        node, "start", lambda *argv, **options: start("unshare", "--mount", "sh", "-c", script, files, *argv, **options)
    )
    start_daemon(globals_={"log-format": "journal"})
    wait_for(lb, node.v4, PORT, "accepted")
    moved(lb, node, service, "500", "refused")

    def entries():
        found = node.run("journalctl", "-D", files / "journal", "-o", "json", "HEALTHGATE_VERDICT=closed", check=False).stdout
        return [json.loads(line) for line in found.splitlines()]

    closed = wait_until(entries, 5, "an entry found by HEALTHGATE_VERDICT=closed")[0]
    assert closed["HEALTHGATE_GATE"] == "router" and closed["_COMM"] == "healthgate"
    assert "HTTP 500" in closed["MESSAGE"] and "CODE_FILE" not in closed


@pytest.mark.timing
def test_a_journal_that_reads_nothing_delays_no_verdict(lb, node, service, start_daemon, journal, monkeypatch):
    journal.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    monkeypatch.setattr(node, "start", in_a_mount_namespace(journal, node))
    start_daemon(globals_={"log-format": "journal"}, keys=QUICK)
    verdicts_are_quick(lb, node, service)


# --- what must never delay a verdict ---

QUICK = {"interval": "200ms", "timeout": "150ms", "fast-interval": "50ms"}


def verdicts_are_quick(lb, node, service):
    wait_for(lb, node.v4, PORT, "accepted")
    for _ in range(10):
        assert moved(lb, node, service, "500", "refused") < 0.6
        assert moved(lb, node, service, "200", "accepted") < 0.6


@pytest.mark.timing
def test_a_reader_that_stands_still_delays_no_verdict(lb, node, service, start_daemon, monkeypatch):
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    monkeypatch.setattr(node, "start", lambda *argv, start=node.start, **options: start(*to(write, argv), **options))
    os.set_inheritable(write, True)
    daemon = start_daemon(keys=QUICK)
    verdicts_are_quick(lb, node, service)
    unread = struct.unpack("i", fcntl.ioctl(read, termios.FIONREAD, b"\0" * 4))[0]
    assert unread > 3500  # it was full
    assert daemon.stop() == 0  # nor its end
    os.close(write)
    os.close(read)


@pytest.mark.timing
def test_a_closed_pipe_delays_no_verdict(lb, node, service, start_daemon, monkeypatch):
    read, write = os.pipe()
    os.set_inheritable(write, True)
    monkeypatch.setattr(node, "start", lambda *argv, start=node.start, **options: start(*to(write, argv), **options))
    start_daemon(keys=QUICK)
    os.close(read)
    os.close(write)
    verdicts_are_quick(lb, node, service)


def to(descriptor, argv):
    """`argv` with its standard error there."""
    return "sh", "-c", f'exec "$@" 2>/proc/{os.getpid()}/fd/{descriptor}', "sh", *argv


@pytest.mark.timing
def test_a_full_disk_delays_no_verdict_and_is_said_once(lb, node, service, start_daemon, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=True)
    try:
        (disk / "full").write_bytes(b"x" * (60 * 1024))
        daemon = start_daemon(globals_={"state-dir": disk}, keys=QUICK)
        verdicts_are_quick(lb, node, service)
        daemon.wait_log(r"warning: not written: .*history-router.jsonl.new: (write|open): No space left on device")
        assert daemon.log().count("not written") == 1
        (disk / "full").unlink()
        daemon.command("drain", "router")
        daemon.wait_log("history-router.jsonl is written again")
        daemon.stop()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
