"""Several probes of one gate, and their tempo: what only the daemon at work shows."""

import signal
import statistics
import time

import pytest
from connect import connect, wait_for
from daemon import gate_config
from probing import probe_section, proves
from process import wait_until
from service import Service

PORT = 18898
QUICK = {"interval": "100ms", "fast-interval": "20ms", "timeout": "80ms", "lease": "1s"}


@pytest.fixture
def files(tmp_path):
    """Switches: a probe of a file passes while it exists."""

    class Files:
        def path(self, name):
            return tmp_path / name

        def on(self, *names):
            for name in names:
                self.path(name).touch()

        def off(self, *names):
            for name in names:
                self.path(name).unlink()

        def section(self, name, **keys):
            return probe_section(name, f"file://{self.path(name)}", keys)

    return Files()


def gate(lb, probes, sections="", **keys):
    return gate_config(allow=[lb.v4], probe=[f"@{name}" for name in probes], **(QUICK | keys)) + sections


def seen(node, lb):
    return connect(lb, node.v4, PORT).outcome


@proves("soft", section="probe")
@proves("soft-grace", "probe")
def test_a_soft_probe_closes_after_its_grace_and_a_hard_one_at_once(node, lb, files, start_daemon):
    sections = files.section("hard") + files.section("soft", soft="yes")
    files.on("hard", "soft")
    daemon = start_daemon(gate(lb, ["hard", "soft"], sections, **{"soft-grace": "1s"}))
    wait_for(lb, node.v4, PORT, "accepted")
    files.off("soft")
    failed = time.monotonic()
    closed = wait_for(lb, node.v4, PORT, "refused").started
    assert 1.0 <= closed - failed < 1.6
    evidence = daemon.wait_gate("closed")["history"][0]["evidence"]
    assert evidence.startswith("soft: soft probe failing for longer than its grace: "), evidence
    files.on("soft")
    wait_for(lb, node.v4, PORT, "accepted")
    files.off("hard")
    failed = time.monotonic()
    assert wait_for(lb, node.v4, PORT, "refused").started - failed < 0.5
    assert "hard" in daemon.wait_gate("closed")["reason"]


def test_a_soft_probe_that_fails_within_its_grace_leaves_no_trace(node, lb, files, start_daemon):
    sections = files.section("hard") + files.section("soft", soft="yes")
    files.on("hard", "soft")
    daemon = start_daemon(gate(lb, ["hard", "soft"], sections, **{"soft-grace": "20s"}))
    wait_for(lb, node.v4, PORT, "accepted")
    files.off("soft")
    daemon.wait_gate(lambda gate: gate["probes"][1]["passing"] is False)
    assert seen(node, lb) == "accepted"
    files.on("soft")
    daemon.wait_gate(lambda gate: gate["probes"][1]["passing"])
    assert len(daemon.gate()["history"]) == 1  # the opening


@proves("require")
@pytest.mark.parametrize("require, enough", [("all", 3), ("any", 1), ("2", 2)])
def test_as_many_probes_as_required_open_the_gate(node, lb, files, start_daemon, require, enough):
    names = ["one", "two", "three"]
    sections = "".join(files.section(name) for name in names)
    files.on(*names[: enough - 1])
    daemon = start_daemon(gate(lb, names, sections, require=require))
    wait_until(lambda: all(probe["last"] for probe in daemon.gate()["probes"]), 3, "a result of each")
    assert seen(node, lb) == "refused"
    files.on(names[enough - 1])
    wait_for(lb, node.v4, PORT, "accepted")
    files.off(names[0])
    wait_for(lb, node.v4, PORT, "refused")


@proves("min-open")
def test_a_gate_stays_open_for_its_least_time(node, lb, files, start_daemon):
    sections = files.section("hard") + files.section("soft", soft="yes")
    files.on("hard", "soft")
    start_daemon(gate(lb, ["hard", "soft"], sections, **{"soft-grace": "0", "min-open": "1500ms"}))
    opened = wait_for(lb, node.v4, PORT, "accepted").started
    files.off("soft")
    closed = wait_for(lb, node.v4, PORT, "refused").started
    assert closed - opened > 1.3
    files.on("soft")
    wait_for(lb, node.v4, PORT, "accepted")
    files.off("hard")
    failed = time.monotonic()
    assert wait_for(lb, node.v4, PORT, "refused").started - failed < 0.5  # what is dead is not kept open


@proves("flap-limit", "flap-window")
def test_a_gate_that_flaps_stays_closed_and_says_until_when(node, lb, files, start_daemon):
    files.on("file")
    keys = {"flap-limit": 4, "flap-window": "4s"}
    daemon = start_daemon(gate(lb, ["file"], files.section("file"), **keys))
    for _ in range(2):
        wait_for(lb, node.v4, PORT, "accepted")
        files.off("file")
        wait_for(lb, node.v4, PORT, "refused")
        files.on("file")
    held = daemon.wait_gate(lambda gate: gate["probes"][0]["passing"])
    assert seen(node, lb) == "refused"
    assert held["flap_until"], held
    wait_for(lb, node.v4, PORT, "accepted", timeout=6)
    times = [transition["at"] for transition in daemon.gate()["history"]]
    assert len(times) == 5


def gaps(service, begun):
    arrivals = [one for one in service.arrivals() if one > begun]
    return [later - earlier for earlier, later in zip(arrivals, arrivals[1:])]


def watch(service, seconds):
    begun = time.monotonic()
    time.sleep(seconds)  # the length of the measurement
    return gaps(service, begun)


@proves("interval", "fast-interval", "down-interval", "timeout", "rise", "fall")
def test_the_tempo_is_that_of_the_state(node, lb, service, start_daemon):
    tempo = {"interval": "100ms", "fast-interval": "20ms", "down-interval": "300ms", "timeout": "90ms"}
    daemon = start_daemon(keys=tempo | {"rise": 4, "fall": 5, "lease": "1s"})
    wait_for(lb, node.v4, PORT, "accepted")
    assert statistics.median(watch(service, 1)) == pytest.approx(0.1, rel=0.2)
    before = service.requests()
    service.mode("500")
    daemon.wait_gate("closed")
    assert "HTTP 500, 5 of 5" in daemon.gate()["reason"]
    fast = service.arrivals()[before - service.requests() :][:6]
    assert statistics.median(later - earlier for earlier, later in zip(fast, fast[1:])) < 0.05
    assert statistics.median(watch(service, 1.5)) == pytest.approx(0.3, rel=0.2)
    before = service.requests()
    assert daemon.gate()["probes"][0]["needed"] == 4
    service.mode("200")
    wait_for(lb, node.v4, PORT, "accepted")
    assert service.requests() - before >= 4


@proves("jitter")
def test_jitter_moves_each_start_and_not_the_rate(node, lb, service, start_daemon):
    start_daemon(keys=QUICK | {"jitter": "40%"})
    wait_for(lb, node.v4, PORT, "accepted")
    intervals = watch(service, 3)
    assert statistics.mean(intervals) == pytest.approx(0.1, rel=0.1)
    assert min(intervals) < 0.08 and max(intervals) > 0.12


@proves("interval", "timeout", "rise", "fall", section="probe")
def test_a_probe_may_have_a_tempo_of_its_own(node, lb, service, start_daemon):
    other = Service(node, 1937)
    own = {"interval": "200ms", "timeout": "150ms", "rise": 1, "fall": 3}
    text = gate(lb, ["own"], probe_section("own", "http://127.0.0.1:1937/", own), rise=5, fall=7)
    daemon = start_daemon(text.replace("probe = @own", "probe = http://127.0.0.1:1936/\nprobe = @own"))
    wait_for(lb, node.v4, PORT, "accepted")
    assert [probe["needed"] for probe in daemon.gate()["probes"]] == [7, 3]
    begun = time.monotonic()
    time.sleep(1.2)  # the length of the measurement
    assert statistics.median(gaps(service, begun)) == pytest.approx(0.1, rel=0.2)
    assert statistics.median(gaps(other, begun)) == pytest.approx(0.2, rel=0.2)
    other.mode("hang")
    daemon.wait_gate(lambda gate: gate["state"] == "closed" and "3 of 3" not in gate["reason"])
    before = service.requests()
    wait_until(lambda: service.requests() > before + 3, 2, "passes of the other probe, which are not the reason")
    closed = daemon.wait_gate("closed")
    assert closed["reason"] == "own: no answer within 150ms, before the first byte"
    assert closed["history"][0]["evidence"] == closed["reason"] + ", 3 of 3"
    assert [probe["needed"] for probe in daemon.gate()["probes"]] == [7, 1]


def test_consecutive_means_consecutive(node, lb, service, start_daemon):
    """What was counted before a result of the other kind is not counted (PowerDNS/pdns #4198)."""
    steady = {"interval": "300ms", "fast-interval": "300ms", "timeout": "200ms"}  # slower than a look at the status
    daemon = start_daemon(keys=QUICK | steady | {"fall": 3, "rise": 3})
    wait_for(lb, node.v4, PORT, "accepted")
    for _ in range(5):
        service.mode("500")
        daemon.wait_gate(lambda gate: gate["probes"][0]["streak"] in (1, 2))
        service.mode("200")
        daemon.wait_gate(lambda gate: gate["probes"][0]["streak"] == 0)
    assert len(daemon.gate()["history"]) == 1


@pytest.mark.parametrize("how", ["probe-now", "SIGUSR1"])
def test_a_probe_out_of_turn_is_made_at_once(node, lb, service, start_daemon, how):
    slow = {"interval": "10m", "down-interval": "10m", "fast-interval": "10ms", "lease": "30m", "timeout": "500ms"}
    daemon = start_daemon(keys=slow)
    wait_for(lb, node.v4, PORT, "accepted")
    service.mode("500")
    before = service.requests()
    if how == "SIGUSR1":
        daemon.signal(signal.SIGUSR1)
    else:
        daemon.command("probe-now", check=False)
    wait_until(lambda: service.requests() > before, 1, "a probe")
    assert wait_for(lb, node.v4, PORT, "refused", timeout=2)
