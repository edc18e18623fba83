"""The package on a booted machine: installed, started, upgraded and crashed under load, confined, removed."""

import json
import re

import pytest
from connect import connect, wait_for
from hammer import Hammer
from load import under_load
from machine import Machine
from process import wait_until

PORT = 18898
ALLOW = "[gate.router]\nallow = {lb}\n"


@pytest.fixture
def machine(node, tree, rpms):
    machine = Machine(node, tree, rpms.folder)
    yield machine
    machine.end()


@pytest.fixture
def gate(machine, lb, node, service, rpms):
    """Installed as an administrator does it, and open for the load balancer."""
    machine.run("rpm", "-i", "--nodeps", f"/share/{rpms.first}")
    machine.write("/etc/healthgate/conf.d/lb.conf", ALLOW.format(lb=lb.v4))
    started = machine.run("systemctl", "enable", "--now", "healthgate", check=False)
    assert started.returncode == 0, machine.journal()
    wait_for(lb, node.v4, PORT, "accepted")
    return machine


def status(machine):
    return json.loads(machine.run("healthgate", "status", "--json", check=False).stdout)["gates"][0]


def restarted(machine, before):
    """Waits for another main process, which has told that it is ready."""
    wait_until(
        lambda: machine.property("MainPID") not in ("0", before) and machine.property("ActiveState") == "active",
        10,
        "a successor",
        interval=0.05,
    )


def test_the_package_brings_a_gate_that_only_the_load_balancer_reaches(net, gate, lb, node, service):
    stranger = net.host("stranger")
    assert connect(lb, node.v6, PORT).outcome == "silent"
    assert connect(stranger, node.v4, PORT).outcome == "silent"
    service.mode("503")
    wait_for(lb, node.v4, PORT, "refused")
    assert status(gate)["state"] == "closed"


def test_nothing_runs_until_the_administrator_enables_it(machine, rpms):
    machine.run("rpm", "-i", "--nodeps", f"/share/{rpms.first}")
    assert machine.run("systemctl", "is-enabled", "healthgate", check=False).stdout.strip() == "disabled"
    assert machine.property("ActiveState") == "inactive"
    assert machine.run("getent", "passwd", "healthgate").stdout.endswith(":/var/lib/healthgate:/sbin/nologin\n")


def test_a_wrong_configuration_is_told_before_anything_starts(machine, rpms):
    machine.run("rpm", "-i", "--nodeps", f"/share/{rpms.first}")
    machine.write("/etc/healthgate/conf.d/bad.conf", "[gate.router]\nrise = none\n")
    assert machine.run("systemctl", "start", "healthgate", check=False).returncode != 0
    assert "/etc/healthgate/conf.d/bad.conf:2: " in machine.journal()
    assert machine.property("ExecMainPID") == "0"


def test_an_upgrade_under_load_resets_nobody(gate, lb, node, rpms):
    before = gate.property("MainPID")

    def upgrade():
        gate.run("rpm", "-U", "--nodeps", f"/share/{rpms.second}")
        restarted(gate, before)

    assert set(under_load(lb, node, upgrade)) == {"accepted"}, gate.journal()
    assert gate.run("rpm", "-q", "healthgate").stdout.strip() == rpms.second.removesuffix(".rpm")


def test_an_upgrade_keeps_overrides_history_and_the_administrators_file(gate, lb, node, service, rpms):
    service.mode("503")
    wait_for(lb, node.v4, PORT, "refused")
    service.mode("200")
    wait_for(lb, node.v4, PORT, "accepted")
    gate.run("healthgate", "drain", "router", "--reason", "new disk")
    wait_for(lb, node.v4, PORT, "refused")
    gate.shell("sed -i 's/^# rise = 2 /rise = 1 /' /etc/healthgate/healthgate.conf")
    known, before = [one["evidence"] for one in status(gate)["history"]], gate.property("MainPID")
    gate.run("rpm", "-U", "--nodeps", f"/share/{rpms.second}")
    restarted(gate, before)
    after = status(gate)
    assert after["override"]["kind"] == "drain" and after["override"]["reason"] == "new disk"
    assert [one["evidence"] for one in after["history"]][-len(known):] == known
    assert connect(lb, node.v4, PORT).outcome == "refused"
    gate.run("grep", "-q", "^rise = 1", "/etc/healthgate/healthgate.conf")


def test_an_upgrade_over_a_broken_configuration_leaves_the_daemon_alone(gate, lb, node, rpms):
    before = gate.property("MainPID")
    gate.write("/etc/healthgate/conf.d/bad.conf", "[gate.router]\nrise = none\n")
    upgraded = gate.run("rpm", "-U", "--nodeps", f"/share/{rpms.second}")
    assert "/etc/healthgate/conf.d/bad.conf:2: " in upgraded.stderr
    assert "the old one goes on" in upgraded.stderr
    assert gate.property("MainPID") == before
    assert connect(lb, node.v4, PORT).outcome == "accepted"


def test_a_restart_by_hand_resets_nobody(gate, lb, node):
    assert set(under_load(lb, node, lambda: gate.run("systemctl", "restart", "healthgate"))) == {"accepted"}


def test_a_killed_daemon_is_bridged_by_its_lease(gate, lb, node):
    before = gate.property("MainPID")

    def kill():
        gate.run("kill", "-9", before)
        restarted(gate, before)

    assert set(under_load(lb, node, kill)) == {"accepted"}, gate.journal()


def test_without_a_successor_the_lease_closes_the_gate(gate, lb, node):
    gate.write("/run/systemd/system/healthgate.service.d/never.conf", "[Service]\nRestart=no\n")
    gate.run("systemctl", "daemon-reload")
    hammer = Hammer(lb, node.v4, PORT, rate=200)
    killed = connect(lb, node.v4, PORT).started
    gate.run("kill", "-9", gate.property("MainPID"))
    wait_for(lb, node.v4, PORT, "refused", timeout=5)
    accepted = [one for one in hammer.stop() if one.outcome == "accepted"]
    assert max(one.started for one in accepted) - killed < 3.5  # lease = 3s, and the time that nsenter takes


def test_the_watchdog_replaces_a_daemon_that_hangs(gate, lb, node):
    gate.write("/run/systemd/system/healthgate.service.d/fast.conf", "[Service]\nWatchdogSec=2\n")
    gate.run("systemctl", "daemon-reload")
    gate.run("systemctl", "restart", "healthgate")
    wait_for(lb, node.v4, PORT, "accepted")
    before = gate.property("MainPID")
    gate.run("kill", "-STOP", before)
    restarted(gate, before)
    wait_for(lb, node.v4, PORT, "accepted")
    assert "Watchdog timeout" in gate.journal()


def test_stop_closes_the_gate_at_once(gate, lb, node):
    gate.run("systemctl", "stop", "healthgate")
    assert connect(lb, node.v4, PORT).outcome == "refused"
    assert gate.run("nft", "list", "tables").stdout == ""


def test_the_sandbox_is_in_force(gate):
    pid = gate.property("MainPID")
    of = dict(line.split(":\t") for line in gate.run("cat", f"/proc/{pid}/status").stdout.splitlines() if ":\t" in line)
    net_admin = f"{1 << 12:016x}"
    assert of["CapEff"] == of["CapPrm"] == of["CapBnd"] == of["CapAmb"] == net_admin
    assert of["NoNewPrivs"] == "1"
    assert of["Seccomp"] == "2"  # a filter, rather than strict mode or none
    assert set(of["Uid"].split()) == {gate.run("id", "-u", "healthgate").stdout.strip()}
    mounts = mount_options(gate.run("cat", f"/proc/{pid}/mountinfo").stdout)
    for path in ("/", "/etc", "/usr", "/proc/sys", "/sys"):
        assert "ro" in options_at(mounts, path), path
    for path in ("/run/healthgate", "/var/lib/healthgate"):
        assert "rw" in options_at(mounts, path), path
    for path in ("/home", "/root", "/run/user"):
        assert "ro" in options_at(mounts, path), path


def mount_options(mountinfo):
    """{mount point: its options}; of several mounts at one point, the last."""
    return {line.split()[4]: line.split()[5].split(",") for line in mountinfo.splitlines()}


def options_at(mounts, path):
    """The options of the mount that holds `path`."""
    holders = [point for point in mounts if path == point or path.startswith(point.rstrip("/") + "/")]
    return mounts[max(holders, key=len)]


def test_the_unit_is_sound_and_little_exposed(machine, rpms):
    machine.run("rpm", "-i", "--nodeps", f"/share/{rpms.first}")
    verified = machine.run("systemd-analyze", "verify", "--man=no", "healthgate.service")
    assert verified.stderr == ""  # an unknown directive is only a warning
    exposed = machine.run("systemd-analyze", "security", "--offline=true", "--threshold=15", "healthgate.service")
    assert float(re.search(r"Overall exposure level.*: ([0-9.]+)", exposed.stdout).group(1)) <= 1.5


@pytest.mark.parametrize("on_stop", ["close", "hold"])
def test_removal_leaves_nothing_behind(gate, lb, node, on_stop):
    gate.write("/etc/healthgate/conf.d/stop.conf", f"[gate.router]\non-stop = {on_stop}\n")
    gate.run("healthgate", "reload")
    gate.run("healthgate", "drain", "router", "--for", "1h")  # state on the disk
    gate.run("healthgate", "auto", "router")
    wait_for(lb, node.v4, PORT, "accepted")
    gate.shell("rm /etc/healthgate/conf.d/*")  # what the administrator wrote is his to remove
    gate.run("rpm", "-e", "healthgate")
    assert gate.run("nft", "list", "tables").stdout == ""
    assert gate.run("ss", "-Htln", f"sport = {PORT}").stdout == ""
    left = gate.shell("find / /run -xdev -name '*healthgate*' -not -path '/share*'").stdout
    assert left.splitlines() == [], gate.shell("ls -la /var/lib/healthgate").stdout
    gate.run("systemctl", "daemon-reload")
    assert gate.property("LoadState") == "not-found"


def test_the_unit_is_the_one_of_the_repository(machine, rpms, root):
    machine.run("rpm", "-i", "--nodeps", f"/share/{rpms.first}")
    installed = machine.run("cat", "/usr/lib/systemd/system/healthgate.service").stdout
    assert installed == (root / "packaging/systemd/healthgate.service").read_text()
