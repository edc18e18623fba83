"""The alerts of deploy/prometheus: promtool's own tests of them, and the names that they ask for."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "deploy/prometheus"


def promtool(*words):
    done = subprocess.run(["promtool", *words], cwd=FOLDER, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_are_valid_and_fire_as_their_tests_say():
    promtool("check", "rules", "--lint-fatal", "healthgate.rules.yml")
    promtool("test", "rules", "healthgate.test.yml")


def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not():
    alerts = re.findall(r"- alert: (\w+)", (FOLDER / "healthgate.rules.yml").read_text())
    tests = (FOLDER / "healthgate.test.yml").read_text()
    for kind in ("fires", "is quiet"):
        assert re.findall(rf"- name: (\w+) {kind}$", tests, re.MULTILINE) == alerts


def test_alerts_ask_for_metrics_that_are_there():
    documented = re.findall(r"^\| `(\w+)` \| \w+ \|", (ROOT / "src/observe/README.md").read_text(), re.MULTILINE)
    asked = set(re.findall(r"\bhealthgate_\w+", (FOLDER / "healthgate.rules.yml").read_text()))
    assert len(asked) > 10
    assert asked <= set(documented)
