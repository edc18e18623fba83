"""The table in the kernel: the same from `render` as from the daemon, large allowlists, and how fast it is mended."""

import ctypes
import os
import re
import statistics
import time

import pytest
from connect import connect, wait_for
from daemon import BINARY, gate_config
from hammer import Hammer, count
from process import wait_until

PORT = 18898
LONG = os.environ.get("HEALTHGATE_LONG") == "yes"


def without_what_varies(table):
    """What differs between two tables of one configuration: counters, what the kernel remembers, nonce, times, owner."""
    table = re.sub(r"# progname \S+|flags (owner|owner,persist|persist)\n", "", table)
    table = re.sub(r"packets \d+ bytes \d+", "packets 0 bytes 0", table)
    table = re.sub(r"elements = \{[^}]*expires[^}]*\}", "", table, flags=re.S)
    table = re.sub(r"@th,64,64 0x[0-9a-f]+", "@th,64,64 NONCE", table)
    table = re.sub(r'comment "(?:rendered )?(open|closed)( since [^"]*)?"', r'comment "\1"', table)
    return [line.strip() for line in table.splitlines() if line.strip()]


@pytest.mark.parametrize("state", ["open", "closed"])
def test_render_loads_the_table_that_the_daemon_installs(net, lb, node, service, start_daemon, tmp_path, state):
    config = (
        "metrics-allow = 10.128.0.0/14\n"
        + gate_config(allow=[lb.v4, "10.1.0.0/16", "2001:db8:10::/64"])
        + gate_config("second", port=18900, allow=[lb.v6], denied="reset", lease="5s")
    )
    service.mode("200" if state == "open" else "500")
    daemon = start_daemon(config)
    for gate in ("router", "second"):
        daemon.wait_gate(state, gate)
    wait_until(lambda: daemon.table().count(f"{state} since") == 2, 2, "both gates committed")
    reader = net.host("reader")  # a host without a daemon
    rendered = node.run(BINARY, "render", "-c", daemon.config_path, "--state", state).stdout
    file = tmp_path / "rendered.nft"
    file.write_text(rendered)
    reader.run("nft", "-f", file)
    listed = reader.run("nft", "list", "table", "inet", "healthgate").stdout
    assert without_what_varies(listed) == without_what_varies(daemon.table())


def test_a_hundred_thousand_sources_are_in_force_before_the_gate_opens(lb, node, service, start_daemon, tmp_path):
    sources = tmp_path / "sources.txt"
    sources.write_text("".join(f"10.{n >> 13 & 255}.{n >> 5 & 255}.{(n & 31) * 8}/30\n" for n in range(100_000)))
    daemon = start_daemon(gate_config(allow=[lb.v4], allow_file=sources))
    hammer = Hammer(lb, node.v4, PORT, rate=200)
    wait_for(lb, node.v4, PORT, "accepted", timeout=20)
    time.sleep(0.5)  # what comes after the first accept is judged too
    seen = [attempt.outcome for attempt in hammer.stop()]
    opened = seen.index("accepted")
    assert set(seen[opened:]) == {"accepted"}
    listed = node.run("nft", "list", "set", "inet", "healthgate", "router_allow4").stdout
    assert len(re.findall(r"\d+\.\d+\.\d+\.\d+/30", listed)) == 100_000
    service.mode("500")
    wait_for(lb, node.v4, PORT, "refused", timeout=3)
    service.mode("200")
    wait_for(lb, node.v4, PORT, "accepted", timeout=3)
    sources.write_text(sources.read_text().replace("10.0.0.0/30\n", "10.0.0.4/30\n", 1))  # and a delta
    wait_until(lambda: "10.0.0.4/30" in node.run(
        "nft", "list", "set", "inet", "healthgate", "router_allow4").stdout, 15, "the delta")
    assert connect(lb, node.v4, PORT).outcome == "accepted"
    assert daemon.status()["in_sync"]


class Libnftables:
    """libnftables in this process. A program that exits after its transaction, as nft(8) does, holds the commit lock until
    the kernel has let go of what it deleted (10 to 30 ms at times), and how long that takes is not what is measured."""

    def __init__(self, host):
        self.library = ctypes.CDLL("libnftables.so.1")
        self.library.nft_ctx_new.restype = ctypes.c_void_p
        with host.inside():
            self.context = ctypes.c_void_p(self.library.nft_ctx_new(0))

    def run(self, text):
        assert self.library.nft_run_cmd_from_buffer(self.context, text.encode()) == 0


@pytest.mark.timing
def test_a_flushed_table_is_mended_within_50_ms_and_in_the_median_within_5(lb, node, service, start_daemon):
    daemon = start_daemon(globals_={"table-owner": "no"})
    wait_for(lb, node.v4, PORT, "accepted")
    somebody = Libnftables(node)
    for number in range(100):
        somebody.run("flush ruleset")
        wait_until(lambda: daemon.status()["repairs"] > number, 2, "the repair")
    took = [int(us) / 1000 for us in re.findall(r"repair_us=(\d+)", daemon.log())]
    assert len(took) >= 100
    print(f"median {statistics.median(took)} ms, longest {max(took)} ms")
    assert statistics.median(took) < 5 and max(took) < 50, (statistics.median(took), max(took))
    assert "python" in daemon.status()["last_foreign"]
    wait_for(lb, node.v4, PORT, "accepted")


@pytest.mark.timing
def test_open_and_close_cycles_at_10_hz_leave_no_revoke_ineffective(lb, node, service, start_daemon):
    daemon = start_daemon(keys={"interval": "50ms", "timeout": "45ms", "fast-interval": "20ms", "rise": 1, "fall": 1})
    wait_for(lb, node.v4, PORT, "accepted")
    cycles = 1000 if LONG else 100
    late = 0
    for _ in range(cycles):
        began = time.monotonic()
        service.mode("500")
        wait_for(lb, node.v4, PORT, "refused", timeout=2)
        late += sum(connect(lb, node.v4, PORT).outcome == "accepted" for _ in range(5))
        service.mode("200")
        wait_for(lb, node.v4, PORT, "accepted", timeout=2)
        time.sleep(max(0.0, began + 0.1 - time.monotonic()))
    assert late == 0
    assert len(daemon.gate()["history"]) >= min(2 * cycles, 100)


def test_nobody_is_reset_in_steady_state(lb, node, service, start_daemon):
    start_daemon(keys={"lease": "2s"})
    wait_for(lb, node.v4, PORT, "accepted")
    hammer = Hammer(lb, node.v4, PORT, rate=2000)
    time.sleep(60 if LONG else 10)
    assert set(count(hammer.stop())) == {"accepted"}
