"""Faults by other writers of the host's ruleset: storms, loaders, firewalls that restart."""

import signal
import sys
import time

from battery import CLOSES, OPEN, SHUDDERS, SILENT, fault
from firewalld import Firewalld
from process import wait_until

PLAIN = {"globals_": {"table-owner": "no"}}


def raw_generations(host, number):
    """So many tiny transactions, one after another, as fast as the kernel takes them."""
    source = """
import socket, struct, sys
def message(kind, flags, body, family=0):
    payload = struct.pack("!BBH", family, 0, 10 if kind in (16, 17) else 0) + body
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, 0, 0) + payload
def batch(kind):
    name = struct.pack("=HH", 12, 1) + b"storm\\0\\0\\0"
    return message(16, 1, b"") + message(kind, 1 | (0x400 if kind == 0xa00 else 0), name, 2) + message(17, 1, b"")
netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
for _ in range(int(sys.argv[1])):
    netlink.send(batch(0xa00))
    netlink.send(batch(0xa02))
"""
    return host.start(sys.executable, "-c", source, number)


def overruns(patient):
    """How many messages netlink could not give to the daemon for want of room (the column Drops)."""
    rows = [row.split() for row in patient.host.run("cat", "/proc/net/netlink").stdout.splitlines()[1:]]
    return sum(int(row[8]) for row in rows if row[1] == "12")


@fault("20,000 foreign transactions (netlink ENOBUFS)", hold=3, keys={"lease": "2s"}, **PLAIN)
def event_storm(patient):
    """The first 2,000 while the daemon sleeps, less than a lease: more than its buffer can hold."""
    patient.daemon.signal(signal.SIGSTOP)
    first = raw_generations(patient.host, 1_000)
    wait_until(lambda: overruns(patient) > 0, 1, "an overrun")
    patient.daemon.signal(signal.SIGCONT)
    assert first.wait(timeout=10) == 0, first.log()
    storm = raw_generations(patient.host, 9_000)
    yield
    assert storm.wait(timeout=20) == 0, storm.log()


def chains(path, number):
    lines = ["table ip neighbour", "delete table ip neighbour", "table ip neighbour {"]
    lines += [f"chain c{number} {{ ip saddr 10.0.0.1 counter accept; }}" for number in range(number)]
    path.write_text("\n".join(lines + ["}"]) + "\n")


def load_in_turn(patient, path):
    """In turn on the two nodes: a commit does not let go of its processor, and two would take both of a small one."""
    turn = f"flock {patient.host.net.directory}/turn nft -f {path}"
    return patient.host.start("sh", "-c", f"while :; do {turn} || exit; done")


@fault("a loader of 20,000 chains holds the commit lock", hold=5, alone=True, keys={"lease": "2s"})
def loader(patient):
    batch = patient.host.net.directory / f"chains-{patient.health}.nft"
    chains(batch, 20_000)
    process = load_in_turn(patient, batch)
    yield
    process.end()
    patient.host.run("nft", "delete", "table", "ip", "neighbour", check=False)


@fault("the service dies behind a loader of 20,000 chains", CLOSES, "HTTP 500", hold=3, within=1, alone=True)
def death_behind_a_loader(patient):
    """Closed by the pulse, which needs no lock."""
    batch = patient.host.net.directory / f"chains-{patient.health}.nft"
    chains(batch, 20_000)
    process = load_in_turn(patient, batch)
    if patient.health == "healthy":
        patient.service.mode("500")
    yield
    process.end()
    patient.host.run("nft", "delete", "table", "ip", "neighbour", check=False)
    patient.service.mode("200" if patient.health == "healthy" else "500")


def kube_proxy(services):
    """What kube-proxy's nftables mode writes for so many services of two endpoints each."""
    yield "table ip kube-proxy\ndelete table ip kube-proxy\ntable ip kube-proxy {"
    yield "map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }"
    for number in range(services):
        address = f"10.{number >> 8}.{number & 255}"
        for end in (1, 2):
            yield f"chain endpoint-{number}-{end} {{"
            yield f"ip saddr {address}.{end} meta mark set mark or 0x4000"
            yield f"meta l4proto tcp dnat to {address}.{end}:8080; }}"
        yield f"chain service-{number} {{ ip daddr 172.30.0.1 ip saddr != 10.0.0.0/8 meta mark set mark or 0x4000"
        yield f"numgen random mod 2 vmap {{ 0 : goto endpoint-{number}-1, 1 : goto endpoint-{number}-2 }}; }}"
    yield "chain services { ip daddr . meta l4proto . th dport vmap @service-ips; }"
    yield "chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }\n}"
    elements = (f"172.30.{n >> 8}.{n & 255} . tcp . 80 : goto service-{n}" for n in range(services))
    yield "add element ip kube-proxy service-ips {" + ",".join(elements) + "}"


SYNC = "add element ip kube-proxy service-ips { 172.31.0.1 . tcp . 80 : goto service-1 }\n"
UNSYNC = "delete element ip kube-proxy service-ips { 172.31.0.1 . tcp . 80 }\n"


@fault("kube-proxy syncs 5,000 services, then small changes", hold=5, alone=True, keys={"lease": "2s"})
def kube_proxy_sync(patient):
    """A full sync is one transaction of 30,000 objects; from then on each small commit waits for all of them."""
    directory = patient.host.net.directory
    full, small = directory / f"kube-{patient.health}.nft", directory / f"sync-{patient.health}.nft"
    full.write_text("\n".join(kube_proxy(5_000)) + "\n")
    small.write_text(SYNC)
    patient.host.run("flock", directory / "turn", "nft", "-f", full)
    loop = "while :; do nft -f $0 && nft -f $1 || exit; sleep 0.02; done"
    small.with_suffix(".undo").write_text(UNSYNC)
    process = patient.host.start("sh", "-c", loop, small, small.with_suffix(".undo"))
    yield
    assert process.running, process.log()
    process.end()
    patient.host.run("nft", "delete", "table", "ip", "kube-proxy")


STORM = (
    ("flush", "ruleset"),
    ("delete", "table", "inet", "healthgate"),
    ("flush", "chain", "inet", "healthgate", "router_gate"),
    ("insert", "rule", "inet", "healthgate", "router_gate", "accept"),
    ("flush", "chain", "inet", "healthgate", "pulse"),
    ("delete", "element", "inet", "healthgate", "gates", "{ 18898 }"),
    ("add", "element", "inet", "healthgate", "lease", "{ 18898 timeout 1h }"),
)


def foreign_storm(patient):
    for _ in range(5):
        for words in STORM:
            patient.host.run("nft", *words, check=False)
            time.sleep(0.01)
    yield


fault("flush, delete and edit by others, plain table", SHUDDERS, hold=0, **PLAIN)(foreign_storm)
fault("flush, delete and edit by others, owned table", OPEN, hold=0)(foreign_storm)

FIREWALL = """
flush ruleset
table inet filter {
  chain input { type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif lo accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    tcp dport { 22, 1936, 18898 } accept
  }
}
"""


def firewall_restart(patient):
    """What nftables.service does: flush at its stop, its file at its start."""
    for _ in range(10):
        patient.host.nft("flush", "ruleset")
        patient.host.nft(text=FIREWALL)
        time.sleep(0.02)
    yield
    patient.host.nft("flush", "ruleset")


fault("nftables.service restarted, plain table", SHUDDERS, hold=0, **PLAIN)(firewall_restart)
fault("nftables.service restarted, owned table", OPEN, hold=0)(firewall_restart)


# --- firewalld --------------------------------------------------------------------------------------------------------


@fault("firewalld started, reloaded, stopped", SILENT, hold=0, alone=True)
def firewalld(patient):
    """The gate's port is open in its zone. While it reloads it drops what is new; nothing of ours may refuse."""
    firewalld = Firewalld(patient.host, ports=[18898])
    firewalld.shell("firewall-cmd --reload")
    firewalld.shell("firewall-cmd --complete-reload", check=False)
    yield
    firewalld.process.stop(timeout=10)
