"""healthgate(8) against `healthgate COMMAND --help`: the same commands, operands, options, words and exit codes."""

import re
import shutil
import subprocess

import pytest


@pytest.fixture(scope="module")
def page(root):
    return (root / "packaging/man/healthgate.8").read_text()


@pytest.fixture(scope="module")
def ask(binary):
    return lambda *words: subprocess.run([binary, *words], capture_output=True, text=True, check=True).stdout


def plain(roff):
    return roff.replace("\\-", "-").replace("\\e", "\\")


def sentence(text):
    """As the manual says what the help says in a line: with a capital and a full stop."""
    return text[0].upper() + text[1:] + "."


def commands(ask):
    return re.findall(r"^  ([a-z-]+)", ask("--help"), re.M)


def sections(page):
    """{command: (usage, its text)} of the `.SS` parts of COMMANDS."""
    chapter = page.split("\n.SH COMMANDS\n")[1].split("\n.SH ")[0]
    parts = [part.split("\n", 1) for part in chapter.split('\n.SS "')[1:]]
    return {plain(head.rstrip('"')).split()[0]: (plain(head.rstrip('"')), plain(text)) for head, text in parts}


def options_of_help(text):
    """[(what is typed, what it does)], in order."""
    lines = [line[2:] for line in text.splitlines() if re.match(r"  (-\w, |    )--", line)]
    return [(line[:26].strip(), sentence(line[26:].strip())) for line in lines]


def test_every_command_has_its_section_in_the_same_order(page, ask):
    assert list(sections(page)) == commands(ask)


def test_sections_say_what_the_help_says(page, ask):
    for command, (usage, text) in sections(page).items():
        shown = ask(command, "--help")
        first, _, summary, *_ = shown.splitlines()
        assert first.removesuffix(" [options]") == f"usage: healthgate {usage}"
        assert text.splitlines()[0] == sentence(summary), command
        documented = re.findall(r"^\.TP\n\.B (.*)\n(.*)$", text, re.M)
        assert documented == options_of_help(shown), command
        exit_codes = re.search(r"^exit: (.*)$", shown, re.M).group(1)
        assert f"\nExit code: {exit_codes}." in text, command


@pytest.mark.parametrize("name", ["healthgate.8", "healthgate.conf.5", "healthgate-nft.7"])
def test_the_manual_has_no_error_of_form(root, name):
    if not shutil.which("mandoc"):
        pytest.skip("no mandoc")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", root / "packaging/man" / name], capture_output=True, text=True)
    wrong = [line for line in done.stdout.splitlines() if "missing date" not in line]  # the version stands elsewhere
    assert wrong == []


RELAYING = """\
[gate.router]
port = 18898
probe = http://localhost:1936/healthz/ready
allow = 192.0.2.10
allow = 2001:db8:10::/64
lease = 5s
guard = relay
guard-ports = 80
peers = 192.0.2.24
http-listen = 127.0.0.1:8080
"""
PLAIN = RELAYING.split("lease")[0]


@pytest.fixture
def rendered(binary, tmp_path):
    def render(text):
        (tmp_path / "healthgate.conf").write_text(text)
        command = [binary, "render", "--state", "open", "-c", tmp_path / "healthgate.conf"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return render


def test_the_manual_of_the_table_has_every_object_and_no_other(root, rendered):
    page = (root / "packaging/man/healthgate-nft.7").read_text()
    chapter = plain(page.split("\n.SH OBJECTS\n")[1].split("\n.SH ")[0])
    heads = re.findall(r"^\.TP\n(?:\.IR? )(.*)$", chapter, re.M) + re.findall(r"^\.IR ([\w ,\"]+[^ms\n]):?$", chapter, re.M)
    documented = {word for head in heads for word in re.findall(r"[\w.]+", head)}
    documented |= set(re.findall(r"ports_", chapter))
    objects = re.findall(r"^\t(?:set|map|chain|counter) (\S+) ", rendered(RELAYING), re.M)
    named = {re.sub(r"^router", "NAME", re.sub(r"^ports_\d+ms$", "ports_", name)) for name in objects}
    of_ports = {re.sub(r"^NAME\.http|^metrics", "PORT", name) for name in named}
    said = {re.sub(r"^NAME\.http|^NAME\.agent|^metrics", "PORT", name) for name in documented}
    assert of_ports - said == set()
    assert {name for name in said - of_ports if name not in ("N", "ms")} == set()


def test_its_example_is_what_render_prints(root, rendered):
    page = (root / "packaging/man/healthgate-nft.7").read_text()
    example = page.split("\n.EX\n")[1].split("\n.EE\n")[0]
    assert example in rendered(PLAIN)
