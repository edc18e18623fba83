"""deploy/README.md: what it says stands in the repository, and its commands are as few as it promises."""

import re
import subprocess

import pytest


@pytest.fixture(scope="module")
def page(root):
    return (root / "deploy/README.md").read_text()


def commands(page, heading):
    """The commands of a heading's last block."""
    chapter = page.split(f"\n## {heading}")[1].split("\n## ")[0]
    return re.findall(r"^```\n(.*?)^```", chapter, re.M | re.S)[-1].splitlines()


def test_rhel_takes_five_commands_and_openshift_three(page):
    assert len(commands(page, "On RHEL, in five commands")) == 5
    assert len(commands(page, "On OpenShift and Kubernetes, in three")) == 3


def test_every_file_that_is_named_is_there(page, root):
    named = re.findall(r"(?:deploy|packaging)/[\w./-]+\w", page)
    links = re.findall(r"\]\((\w[^)]*)\)", page) + re.findall(r"(?<![\w/])kubernetes/[\w./-]+\w", page)
    named += [f"deploy/{link}" for link in links]
    assert len(named) > 10
    assert [name for name in named if not (root / name).exists()] == []


def test_every_key_that_the_prototypes_settings_become_is_a_key(page, binary, tmp_path):
    table = page.split("| prototype | healthgate |")[1].split("\n\n")[0]
    settings = re.findall(r"`((?:probe|interval|fast-interval|timeout|rise|fall|port|lease) = [^`]+)`", table)
    assert len(settings) >= 9
    config = tmp_path / "healthgate.conf"
    config.write_text("[gate.router]\n" + "\n".join(dict.fromkeys(one for one in settings if not one.endswith("= 1"))))
    done = subprocess.run([binary, "check", "-c", config], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_prototypes_metrics_are_still_exported(page, root):
    exported = (root / "src/observe/README.md").read_text()
    for name in ("check_latency_ms", "router_health_status"):
        assert f"`{name}`" in page and name in exported
