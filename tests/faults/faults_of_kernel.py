"""Faults of the host's firewall and network: other writers, storms, floods, full tables, links that go."""

import random
import socket
import sys
import time

from battery import CLOSES, LEASE, OPEN, PORT, SHUDDERS, SILENT, fault

PLAIN = {"globals_": {"table-owner": "no"}}


# --- other writers of the ruleset --------------------------------------------------------------------------------------


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


@fault("20,000 foreign transactions (netlink ENOBUFS)", hold=3, **PLAIN)
def event_storm(patient):
    storm = raw_generations(patient.host, 10_000)
    yield
    assert storm.wait(timeout=20) == 0, storm.log()


@fault("a loader of 20,000 chains holds the commit lock", hold=5, keys={"lease": "2s"})
def loader(patient):
    """In turn on the two nodes: a commit does not let go of its processor, and two would take both of a small machine."""
    batch = patient.host.net.directory / f"chains-{patient.health}.nft"
    lines = ["table ip neighbour", "delete table ip neighbour", "table ip neighbour {"]
    lines += [f"chain c{number} {{ ip saddr 10.0.0.1 counter accept; }}" for number in range(20_000)]
    batch.write_text("\n".join(lines + ["}"]) + "\n")
    turn = f"flock {patient.host.net.directory}/turn nft -f {batch}"
    process = patient.host.start("sh", "-c", f"while :; do {turn} || exit; done")
    yield
    process.end()
    patient.host.run("nft", "delete", "table", "ip", "neighbour", check=False)


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


# --- floods ------------------------------------------------------------------------------------------------------------

FLOOD = """
import random, socket, struct, sys, time
target, port, sources, seconds = sys.argv[1], int(sys.argv[2]), sys.argv[3].split(","), float(sys.argv[4])
def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff
def syn(source):
    a, b = socket.inet_aton(source), socket.inet_aton(target)
    ports = struct.pack("!HH", random.randrange(1024, 65535), port)
    head = ports + struct.pack("!IIBBH", random.getrandbits(32), 0, 5 << 4, 2, 64240)
    sum_ = checksum(a + b + struct.pack("!BBH", 0, 6, 20) + head + bytes(4))
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, a, b)
    return ip + head + struct.pack("!HH", sum_, 0)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
packets = [syn(random.choice(sources)) for _ in range(2000)]
end, sent = time.monotonic() + seconds, 0
while time.monotonic() < end:
    for packet in packets:
        raw.sendto(packet, (target, 0))
        sent += 1
    time.sleep(0.02)
print(sent)
"""


def flood(patient, sources):
    process = patient.lb.start(sys.executable, "-c", FLOOD, patient.host.v4, PORT, ",".join(sources), 1.5)
    yield
    process.wait(timeout=10)


@fault("SYN flood from the allowed source", hold=2)
def flood_allowed(patient):
    yield from flood(patient, [patient.lb.v4])


@fault("SYN flood from 200 denied sources", hold=2)
def flood_denied(patient):
    yield from flood(patient, [f"10.77.1.{number}" for number in range(200)])


@fault("10,000 idle connections", hold=1)
def idle_connections(patient):
    clients = []
    with patient.lb.inside():
        for number in range(10_000 if patient.health == "healthy" else 500):
            clients.append(socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
            clients[-1].connect_ex((patient.host.v4, PORT))
            if number % 200 == 0:
                time.sleep(0.01)  # the kernel's queue holds 4,096 of them, should the daemon not get a processor
    yield
    for client in clients:
        client.close()


FILLER = """
import socket, sys
for _ in range(int(sys.argv[2])):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for port in range(1, 3001):
            client.sendto(b"x", (sys.argv[1], port))
"""


@fault("conntrack table full", SILENT, hold=1, long=True)
def conntrack_full(patient):
    """Packets are lost before they reach our table: nothing to be done, but nothing to close for either."""
    patient.host.nft(text="table ip track { chain c { type filter hook prerouting priority -150; ct state new counter; }; }")
    limit = int(open("/proc/sys/net/netfilter/nf_conntrack_max").read())
    assert limit <= 300_000, "too large a table to fill here"
    filler = patient.lb.start(sys.executable, "-c", FILLER, patient.host.v4, limit // 3000 + 2)
    yield
    assert filler.wait(timeout=60) == 0, filler.log()
    time.sleep(1)
    patient.host.nft("delete", "table", "ip", "track")


# --- links and addresses -----------------------------------------------------------------------------------------------


@fault("addresses added and removed")
def addresses(patient):
    number = random.randrange(200, 250)
    for _ in range(10):
        for family, address in (("-4", f"10.77.0.{number}/24"), ("-6", f"fd77::{number:x}/64")):
            for verb in ("add", "del"):
                patient.host.run("ip", family, "address", verb, address, "dev", "eth0")
    yield


@fault("lo down", CLOSES, hold=2 * LEASE)
def loopback_down(patient):
    """Neither the probe nor the pulse reaches its end."""
    patient.host.run("ip", "link", "set", "lo", "down")
    yield
    patient.host.run("ip", "link", "set", "lo", "up")


@fault("the load balancer's link flaps", SILENT, hold=1)
def link_flaps(patient):
    for _ in range(5):
        patient.host.run("ip", "link", "set", "eth0", "down")
        patient.host.run("ip", "link", "set", "eth0", "up")
        time.sleep(0.05)
    yield
