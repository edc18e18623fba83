"""bash completion, asked as bash asks it."""

import re
import shlex
import subprocess

import pytest
from daemon import Daemon
from netns import Net

SCRIPT = """
source {script}
COMP_LINE={line} COMP_POINT=${{#COMP_LINE}}
read -ra COMP_WORDS <<<"$COMP_LINE"
_healthgate
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def complete(root, binary):
    def ask(line):
        line = line.replace("healthgate", str(binary), 1)
        script = SCRIPT.format(script=root / "packaging/completion/healthgate.bash", line=shlex.quote(line))
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return done.stdout.split()

    return ask


def test_commands_are_completed(complete):
    assert complete("healthgate st") == ["status"]
    assert {"run", "drain", "force-open", "doctor", "--help"} <= set(complete("healthgate "))


def test_options_are_those_of_the_command(complete):
    assert complete("healthgate run --t") == ["--takeover"]
    assert complete("healthgate drain --f") == ["--for="]
    assert complete("healthgate check --ga") == ["--gate."]  # not NAME.KEY=VALUE, which nobody wants to type
    assert complete("healthgate version --") == []


def test_every_command_completes_the_options_of_its_help_and_no_other(complete, binary):
    commands = complete("healthgate ")
    commands = [word for word in commands if not word.startswith("-")]
    overview = subprocess.run([binary, "--help"], capture_output=True, text=True, check=True).stdout
    assert commands == re.findall(r"^  ([a-z][a-z-]*)", overview, re.M)
    for command in commands:
        told = subprocess.run([binary, command, "--help"], capture_output=True, text=True, check=True).stdout
        options = re.findall(r"^  (?:-\w, |    )(--[a-z][a-z.-]*)", told, re.M)
        completed = complete(f"healthgate {command} --")
        assert [word.rstrip("=") for word in completed] == options, command


def test_values_are_completed(complete):
    assert complete("healthgate render --state=o") == ["open"]
    assert complete("healthgate render --state c") == ["closed"]


def test_gates_are_asked_of_the_daemon(complete):
    with Net() as net:
        node = net.host("node")
        daemon = Daemon(node, keys={}, allow=["192.0.2.1"])
        assert complete(f"healthgate drain -c {daemon.config_path} ") == ["router"]
        assert complete(f"healthgate drain --control={daemon.control} r") == ["router"]
        daemon.finish()
