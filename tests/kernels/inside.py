"""Runs on the kernel under test, started by its init: what it grants, then the tests; all said on the console."""

import json
import os
import platform
import socket
import struct
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

# Those that need no more than this image has, and bear a slow processor. A test whose feature is not there skips.
SELECTION = (
    "test_verdict.py",
    "test_faults.py",
    "test_takeover.py",
    "test_ruleset.py",
    "test_reload.py",
)
BY_NAME = (
    "test_a_healthy_service or test_a_gate_is_closed or test_a_port_that_somebody_holds or test_stopping_closes "
    "or test_with_hold or test_a_stopped_daemon or test_a_killed_daemon_is_out "
    "or (test_with_the_owner_flag and delete and table) or (test_with_a_plain_table and delete and table) "
    "or test_render_loads or test_sighup_reloads or test_a_bad_file "
    "or test_a_closed_gate_stays_closed_over_a_takeover or test_a_drain_outlives"
)


def netlink(batch):
    """The kernel's answer to a transaction of nf_tables: 0 or an errno; None when there is none."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as client:
        client.settimeout(2)
        client.send(batch)
        code = struct.unpack_from("=i", client.recv(4096), 16)[0]
    return -code


def table_with(flags):
    """Whether a table with those flags is granted; it goes with the socket or with its namespace."""

    def message(kind, flags, sequence, body, family=0):
        payload = struct.pack("!BBH", family, 0, 10 if kind in (16, 17) else 0) + body
        return struct.pack("=IHHII", 16 + len(payload), kind, flags, sequence, 0) + payload

    name = struct.pack("=HH", 10, 1) + b"trial\0\0\0"
    body = name + struct.pack("=HH", 8, 2) + struct.pack("!I", flags)
    batch = message(16, 1, 1, b"") + message(0xA00, 1 | 4 | 0x400, 2, body, 2) + message(17, 1, 3, b"")
    return netlink(batch) == 0


def nft(text, check=True):
    done = subprocess.run(["nft", "-f", "-"], input=text, capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(done.stderr)
    return done.returncode == 0


def elements(name):
    listed = subprocess.run(["nft", "-j", "list", "set", "inet", "t", name], capture_output=True, text=True, check=True)
    return json.loads(listed.stdout)["nftables"][1]["set"].get("elem", [])


def dynset_delete():
    """A packet that deletes an element which another packet has added."""
    base = "table inet t { set s { type inet_service; flags dynamic,timeout; timeout 1m; size 9; }; "
    hook = "chain c { type filter hook output priority 0; "
    rules = "udp dport 7 add @s { udp dport }; udp dport 7 udp sport 77 delete @s { udp dport }; }; }"
    if not nft(base + hook + rules, check=False):
        return False
    seen = []
    for source in (76, 77):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind(("127.0.0.1", source))
            client.sendto(b"x", ("127.0.0.1", 7))
        seen.append(len(elements("s")))
    nft("delete table inet t")
    return seen == [1, 0]


def timeout_update():
    """Adding an element again, with an expiration, makes it live longer."""
    nft("table inet t { set s { type inet_service; flags timeout; }; }")
    again = "add element inet t s { 7 timeout 1m expires 1m }"
    nft(again)
    time.sleep(2)
    granted = nft(again, check=False)
    left = elements("s")[0]["elem"]["expires"]
    nft("delete table inet t")
    return granted and left >= 59


def chosen_by_healthgate():
    """What the daemon makes of it, in its own words, and what doctor says."""
    sys.path.insert(0, "/tests/support")
    os.environ["HEALTHGATE_BIN"] = "/healthgate"
    from daemon import Daemon
    from netns import Net

    with Net() as net:
        daemon = Daemon(net.host("node"), allow=["10.77.0.1"])
        mode = daemon.status()["table_mode"]
        doctor = daemon.command("doctor", "-c", daemon.config_path, check=False).stdout
        daemon.finish()
    return mode, [line.strip() for line in doctor.splitlines() if "kernel" in line]


def tests():
    """{test: "passed", "skipped: why" or "failed: why"}"""
    paths = [f"/tests/integration/{name}" for name in SELECTION]
    options = ["-v", "-p", "no:cacheprovider", "--tb=short", "--durations=0", "--junitxml=/tmp/junit.xml"]
    environment = os.environ | {"HEALTHGATE_BIN": "/healthgate"}
    command = [sys.executable, "-u", "-m", "pytest", *options, "-k", BY_NAME, *paths]
    subprocess.run(command, cwd="/tests/integration", env=environment)
    outcomes = {}
    for case in ElementTree.parse("/tmp/junit.xml").iter("testcase"):
        bad = [(kind, case.find(kind)) for kind in ("failure", "error", "skipped") if case.find(kind) is not None]
        outcome = f"{bad[0][0]}: {bad[0][1].get('message', '')[:300]}" if bad else "passed"
        outcomes[f"{case.get('classname').split('.')[-1]}::{case.get('name')}"] = outcome
    return outcomes


def main():
    features = {
        "owner": table_with(2),
        "persist": table_with(2 | 4),
        "dynset delete": dynset_delete(),
        "timeout update": timeout_update(),
    }
    subprocess.run(["nft", "flush", "ruleset"])
    mode, doctor = chosen_by_healthgate()
    result = {"kernel": platform.release(), "features": features, "table": mode, "doctor": doctor}
    print("hg-features " + json.dumps(result), flush=True)
    print("hg-result " + json.dumps(result | {"tests": tests()}), flush=True)


if __name__ == "__main__":
    main()
