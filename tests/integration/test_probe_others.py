"""Conformance of tcp, exec and file probes."""

import os
import pathlib

import pytest
from connect import wait_for
from netns import Net
from probing import Row, judge, probe, proves
from process import wait_until

ECHO, GREETING, HANGS, ENDS, FLOOD = range(7001, 7006)
SERVERS = {
    ECHO: "exec cat",
    GREETING: r"printf '220 mail ready\r\n'; sleep 60",
    HANGS: "sleep 60",
    ENDS: "printf 'half an ans'; sleep 0.05",
    FLOOD: "exec cat /dev/zero",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with Net(tmp_path_factory.mktemp("others")) as net:
        host = net.host("node")
        host.add_address("10.77.0.200/24")
        for port, what in SERVERS.items():
            script = net.directory / f"{port}.sh"
            script.write_text(what)
            host.start("socat", f"TCP6-LISTEN:{port},ipv6only=0,fork,reuseaddr", f"EXEC:/bin/sh {script}")
            wait_for(host, "127.0.0.1", port, "accepted")
        yield host


def at(port, host="127.0.0.1"):
    return f"tcp://{host}:{port}"


TCP = [
    Row("it connects", at(ECHO), "none", "connected"),
    Row("it connects over IPv6", at(ECHO, "[::1]"), "none", "connected"),
    Row("nobody listens", at(9), "refused", "connection refused: 127.0.0.1", by_deadline=False),
    Row("a silent host", at(80, "10.77.0.99"), "timeout", "connecting"),
    Row("what was sent comes back", at(ECHO), "none", "as expected", {"send": r"PING\r\n", "expect": r"\x50ING\r\n"}),
    Row("sent is enough", at(HANGS), "none", "sent", {"send": "PING"}),
    Row("a greeting", at(GREETING), "none", keys={"expect": '"220 "'}),
    Row("another greeting", at(GREETING), "timeout", "before the expected bytes", {"expect": "554"}),
    Row("no greeting", at(HANGS), "timeout", "before the first byte", {"expect": "220"}),
    Row("ends too early", at(ENDS), "mismatch", 'closed after "half an ans"', {"expect": "answer"}, by_deadline=False),
    Row("an answer without end", at(FLOOD), "protocol", "more than 65536 bytes", {"expect": "x"}, timeout="5s"),
    Row("PROXY v1", at(ECHO), "none", keys={"proxy-protocol": "v1", "expect": "PROXY TCP4 127.0.0.1 127.0.0.1 "}),
    Row("PROXY v2", at(ECHO), "none", keys={"proxy-protocol": "v2", "expect": r"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"}),
    Row(
        "from an address", at(ECHO), "none",
        keys={"source": "127.0.0.7", "proxy-protocol": "v1", "expect": "127.0.0.7"},
    ),
]


@pytest.mark.parametrize("row", TCP, ids=str)
def test_tcp(world, row):
    judge(row, probe(world, row.url, row.keys, row.timeout))


def sh(script):
    return f"exec:/bin/sh -c '{script}'"


EXEC = [
    Row("status 0 passes", "exec:/bin/true", "none", "exit status 0"),
    Row("status 1 fails", "exec:/bin/false", "exec", "exit status 1", by_deadline=False),
    Row("any other status fails", sh("exit 2"), "exec", "exit status 2", by_deadline=False),
    Row("a signal fails", sh("kill -SEGV $$"), "exec", "killed by signal 11", by_deadline=False),
    Row("it says why", sh("echo disk full; echo more; exit 3"), "exec", "exit status 3: disk full"),
    Row("on stderr too", sh("echo disk full >&2; exit 3"), "exec", "exit status 3: disk full"),
    Row("words stay words", 'exec:/usr/bin/printf "%s|" one "two three" $HOME', "none", "one|two three|$HOME|"),
    Row("it runs as nobody where the daemon is root", sh("id -un; id -Gn"), "none", "exit status 0: nobody"),
    Row("it runs as a user", sh("id -un"), "none", "exit status 0: daemon", {"user": "daemon"}),
    Row("it runs as root where that is said", sh("id -un"), "none", "exit status 0: root", {"user": "root"}),
    Row("its directory is the root", sh("pwd"), "none", "exit status 0: /"),
    Row("its input is empty", "exec:/bin/cat", "none", "exit status 0"),
    Row("it gets no privilege back", sh("grep NoNewPrivs /proc/self/status"), "none", "NoNewPrivs: 1"),
    Row("it hangs", "exec:/bin/sleep 60", "timeout", "no answer within 400ms, killed"),
    Row("it ignores SIGTERM", sh("trap : TERM; echo alive; sleep 60; sleep 60"), "timeout", "killed: alive"),
    Row("it floods", sh("exec cat /dev/zero"), "timeout", "killed"),
    Row("it floods and ends", sh("head -c 3000000 /dev/zero; exit 4"), "exec", "exit status 4", timeout="5s"),
    Row("terminal control in its words", r"exec:/usr/bin/printf \\033[2Jred", "none", "0: ?[2Jred"),
]


@pytest.mark.parametrize("row", EXEC, ids=str)
def test_exec(world, row):
    judge(row, probe(world, row.url, row.keys, row.timeout))


def test_a_program_gets_its_own_environment_and_nothing_else(world, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "of the daemon")
    monkeypatch.setenv("LD_PRELOAD", "")
    out = tmp_path / "env"
    probe(world, sh(f"cat /proc/self/environ > {out}; ls -l /proc/$$/fd >> {out}"), {"user": "root"}, timeout="2s")
    environment, _, descriptors = out.read_text().partition("total ")
    variables = dict(line.split("=", 1) for line in environment.split("\0") if line)
    assert variables.pop("PWD", "/") == "/"  # the shell's own
    assert variables == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HEALTHGATE_PROBE": "one",
        "HEALTHGATE_TIMEOUT_MS": "2000",
    }
    numbers = {int(line.split(" -> ")[0].split()[-1]) for line in descriptors.splitlines()[1:]}
    assert numbers <= {0, 1, 2, 10, 255}, descriptors  # 10 and 255: where shells keep their own


def running(pid):
    status = pathlib.Path(f"/proc/{pid}/status")
    try:
        return "State:\tZ" not in status.read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("end, expected", [("wait", "timeout"), ("exit 0", "none")])
def test_what_a_program_started_ends_with_it(world, tmp_path, end, expected):
    script = f"sleep 300 & sleep 300 & echo $$ $! > {tmp_path}/pids; {end}"
    found = probe(world, sh(script), {"user": "root"})
    assert found.failure == expected
    pids = (tmp_path / "pids").read_text().split()
    wait_until(lambda: not any(running(pid) for pid in pids), 2, "the whole group is gone")


def test_a_program_that_cannot_be_run_is_an_error_of_the_configuration(world, tmp_path):
    script = tmp_path / "check.sh"
    script.write_text("#!/bin/sh\n")
    for url, words in [
        (f"exec:{script}", f"cannot run {script}: Permission denied"),
        ("exec:/no/such", "cannot run /no/such: No such file or directory"),
    ]:
        with pytest.raises(RuntimeError, match=words):
            probe(world, url)
    with pytest.raises(RuntimeError, match="user = nosuchuser: in .probe.one.: no user 'nosuchuser'"):
        probe(world, "exec:/bin/true", {"user": "nosuchuser"})


def test_a_program_whose_interpreter_is_missing_says_so(world, tmp_path):
    script = tmp_path / "check.sh"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    found = probe(world, f"exec:{script}", {"user": "root"})
    assert (found.failure, found.detail) == ("exec", f"cannot run {script}: No such file or directory")


@proves("file-absent", section="probe")
def test_file(world, tmp_path):
    there, gone, dangling = tmp_path / "there", tmp_path / "gone", tmp_path / "dangling"
    there.touch()
    os.symlink(gone, dangling)
    loop = tmp_path / "loop"
    os.symlink(loop, loop)
    rows = [
        (there, {}, "none", f"{there} exists"),
        (tmp_path, {}, "none", f"{tmp_path} exists"),
        (gone, {}, "refused", f"{gone} does not exist"),
        (dangling, {}, "refused", f"{dangling} does not exist"),
        (there / "below", {}, "refused", "does not exist"),
        (loop, {}, "exec", "Too many levels of symbolic links"),
        (gone, {"file-absent": "yes"}, "none", f"{gone} does not exist"),
        (there, {"file-absent": "yes"}, "mismatch", f"{there} exists"),
        (loop, {"file-absent": "yes"}, "exec", "Too many levels of symbolic links"),
    ]
    for path, keys, failure, words in rows:
        found = probe(world, f"file://{path}", keys)
        assert (found.failure, words in found.detail) == (failure, True), (path, keys, found)
