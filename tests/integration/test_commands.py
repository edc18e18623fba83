"""Every command as a new user tries it: what is right works and says so, what is wrong gives one clear sentence."""

import json
import os
import re
import signal
import subprocess

import pytest
from connect import wait_for
from daemon import BINARY, gate_config
from process import wait_until

PORT = 18898
NO_DAEMON = "is it running? `systemctl status healthgate`"

# What was typed, and words of the one sentence that comes back; all end with exit code 2.
WRONG = [
    ("nonsense", "unknown command 'nonsense'; `healthgate --help` lists them"),
    ("statsu", "did you mean 'status'?"),
    ("--all", "unknown command '--all'"),
    ("check extra", "'extra' is one word too many; usage: healthgate check"),
    ("check --jsn", "unknown option '--jsn'; did you mean '--json'?"),
    ("status a b", "'b' is one word too many; usage: healthgate status [GATE]"),
    ("status --jsn", "unknown option '--jsn'; did you mean '--json'?"),
    ("status --control", "the required argument for option '--control' is missing"),
    ("status --control /none", NO_DAEMON),
    ("status --control /etc/passwd", NO_DAEMON),
    ("status --watch --control /none", NO_DAEMON),
    ("status -c /none", "/none: it cannot be read: No such file or directory"),
    ("history --control /none", NO_DAEMON),
    ("drain", "'drain' needs a gate's name, or --all"),
    ("drain router --all", "'drain' takes a gate's name or --all, not both"),
    ("drain router --for", "the required argument for option '--for' is missing"),
    ("drain router --for soon", "250ms, 2s, 5m or 1h"),
    ("drain router --for -5m", ""),
    ("drain router --for 0s", "it would end at once"),
    ("drain router --control /none", NO_DAEMON),
    ("force-open", "'force-open' needs GATE"),
    ("force-open --all", "unknown option '--all'"),
    ("auto", "'auto' needs a gate's name, or --all"),
    ("auto router --for 5m", "unknown option '--for'"),
    ("probe-now --json", "unknown option '--json'"),
    ("reload extra", "'extra' is one word too many; usage: healthgate reload"),
    ("render --state half", "--state = half: write open or closed"),
    ("probe nobody", "no gate 'nobody'; there are: router"),
    ("probe -c /none", "/none: it cannot be read"),
    ("audit -c /none", "/none: it cannot be read"),
    ("doctor -c /none", "/none: it cannot be read"),
    ("run extra", "'extra' is one word too many"),
    ("version --json", "unknown option '--json'"),
]


def healthgate(*words, **options):
    return subprocess.run([BINARY, *map(str, words)], capture_output=True, text=True, timeout=20, **options)


@pytest.mark.parametrize("typed, sentence", WRONG, ids=[typed for typed, _ in WRONG])
def test_wrong_input_gives_one_sentence(typed, sentence):
    done = healthgate(*typed.split())
    assert done.returncode == 2
    assert done.stdout == ""
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr == done.stderr.rstrip() + "\n", done.stderr


@pytest.mark.parametrize(
    "content, sentence",
    [
        ("[gate.router]\nport = 99999\n", ':2: port = 99999: a port is a whole number'),
        ("[gate.router]\nprt = 18898\n", "did you mean 'port'?"),
        ("[gat.router]\nport = 1\n", ":1: "),
        ("log-level = loud\n", "log-level = loud: allowed: debug, info, warning or error"),
        ("[gate.router]\nport = 18898\nport = 18899\n", ":3: "),
    ],
)
def test_a_wrong_file_is_told_by_line(tmp_path, content, sentence):
    file = tmp_path / "healthgate.conf"
    file.write_text(content)
    for command, code in (("check", 1), ("run", 78), ("render", 2), ("probe", 2)):
        done = healthgate(command, "-c", file)
        assert done.returncode == code, command
        assert f"{file}:" in done.stdout + done.stderr and sentence in done.stdout + done.stderr, done


def test_a_daemon_without_the_capability_says_which(node, tmp_path):
    file = tmp_path / "healthgate.conf"
    file.write_text(f"control-socket = {tmp_path}/c\nstate-dir = {tmp_path}\n{gate_config()}")
    done = node.run("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", BINARY, "run", "-c", file, check=False)
    assert done.returncode == 77, done.stderr
    assert "CAP_NET_ADMIN" in done.stderr


def commands():
    return re.findall(r"^  ([a-z][a-z-]*) ", healthgate("--help").stdout, re.M)


def test_every_command_was_tried_with_wrong_input():
    assert len(commands()) == 14
    assert set(commands()) - {typed.split()[0] for typed, _ in WRONG} == set()


def test_help_is_there_for_every_command():
    overview = healthgate("--help").stdout
    for form in ("-h", "help"):
        assert healthgate(form).stdout == overview
    assert healthgate().returncode == 2
    assert healthgate("--version").stdout == healthgate("version").stdout
    for command in commands():
        assert healthgate(command, "-h").stdout == healthgate(command, "--help").stdout != ""


def test_a_new_users_walk(lb, node, service, start_daemon):
    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, "accepted")
    config = ("-c", daemon.config_path)

    tried = {"run"}  # by start_daemon()

    def said(*words, code=0):
        tried.add(words[0])
        done = node.run(BINARY, *words, *config, check=False)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout

    assert "good" in said("check")
    assert json.loads(said("check", "--json")) is not None
    assert "HTTP 200" in said("probe", "router")
    assert "table inet healthgate" in said("render", "--state", "open")
    assert "router" in said("status") and "open" in said("status", "router")
    assert json.loads(said("status", "--json"))["gates"][0]["name"] == "router"
    assert said("probe-now").startswith("router: passed: HTTP 200 in ")
    assert said("drain", "router", "--for", "30m") == "router is drained for 30m\n"
    assert "drain" in said("status", code=1)
    assert said("auto", "router") == "router follows its probes\n"
    assert said("auto", "router") == "router follows its probes\n"  # again: nothing to end, nothing wrong
    wait_for(lb, node.v4, PORT, "accepted")
    assert "open -> closed" in said("history") and "open -> closed" in said("history", "router")
    assert said("reload") == "reloaded\n"
    assert said("audit") == "the kernel's table is as configured\n"
    service.mode("500")
    assert said("probe-now", code=1).startswith("router: failed: HTTP 500 in ")
    assert "HTTP 500" in said("probe", code=1)
    assert said("force-open", "router", "--reason", "a test") == "router is forced open until `auto`\n"
    wait_for(lb, node.v4, PORT, "accepted")
    assert said("auto", "--all") == "router follows its probes\n"
    wait_for(lb, node.v4, PORT, "refused")
    assert "nothing stands in the load balancer's way" in said("doctor")
    assert re.fullmatch(r"healthgate \d+\.\d+\.\d+\n", healthgate("version").stdout)
    assert tried | {"version"} == set(commands())


def test_wrong_input_to_a_running_daemon(lb, node, service, start_daemon):
    daemon = start_daemon()
    for words, sentence in (
        (("status", "ruter"), "no gate is called 'ruter'; there are: router"),
        (("history", "ruter"), "no gate is called 'ruter'; there are: router"),
        (("probe-now", "ruter"), "no gate is called 'ruter'; there are: router"),
        (("drain", "router", "--reason", "x" * 300), "256"),
        (("drain", "router", "--for", "9999999999h"), ""),
    ):
        done = daemon.command(*words, check=False)
        assert done.returncode == 2 and done.stdout == "", words
        assert sentence in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert daemon.gate()["override"] is None


def test_a_daemon_that_hangs_is_said_after_a_while(node, service, start_daemon):
    daemon = start_daemon()
    daemon.signal(signal.SIGSTOP)
    done = daemon.command("drain", "router", check=False)
    daemon.signal(signal.SIGCONT)
    assert done.returncode == 2
    assert "whether it was done is not known" in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_colours_only_on_a_terminal_and_never_with_no_color(lb, node, service, start_daemon):
    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, "accepted")
    on_terminal = ("script", "-qec", f"{BINARY} status --control {daemon.control}", "/dev/null")
    assert "\x1b[" in node.run(*on_terminal, check=False).stdout
    assert "\x1b[" not in node.run("env", "NO_COLOR=1", *on_terminal, check=False).stdout
    assert "\x1b[" not in daemon.command("status").stdout


def test_watch_shows_a_change_at_once(lb, node, service, start_daemon):
    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, "accepted")
    watch = node.start(BINARY, "status", "--watch", "--json", "--control", daemon.control)
    wait_until(lambda: '"applied":"open"' in watch.log().replace(" ", ""), 5, "the state of now")
    daemon.command("drain", "router")
    wait_until(lambda: '"kind":"drain"' in watch.log().replace(" ", ""), 2, "the drain")
    watch.end()


def test_watch_on_a_terminal_shows_the_newest_state_and_ends_by_ctrl_c(lb, node, service, start_daemon):
    daemon = start_daemon()
    wait_for(lb, node.v4, PORT, "accepted")
    typed = f"{BINARY} status --watch --control {daemon.control}"
    watch = node.start("script", "-qec", f"sh -c 'echo pid $$; exec {typed}'", "/dev/null")
    wait_until(lambda: re.search(r"router\W.*OPEN", watch.log()), 5, "the state of now")
    daemon.command("drain", "router", "--reason", "a test")
    wait_until(lambda: "a test" in watch.log(), 2, "the drain")
    os.kill(int(re.search(r"pid (\d+)", watch.log()).group(1)), signal.SIGINT)
    watch.wait(2)
