"""Faults of the host's network: floods, full tables, links and addresses that go."""

import random
import socket
import sys
import time

from battery import CLOSES, LEASE, PORT, SILENT, fault
from process import wait_until


# --- floods -----------------------------------------------------------------------------------------------------------

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
    """Packets may be lost before they reach our table: nothing to be done, but nothing to close for either.

    The kernel makes room for new connections as long as it finds entries that saw no answer, as these here.
    """
    hook = "type filter hook prerouting priority -150;"
    patient.host.nft(text=f"table ip track {{ chain c {{ {hook} ct state new counter; }}; }}")
    limit = int(open("/proc/sys/net/netfilter/nf_conntrack_max").read())
    assert limit <= 300_000, "too large a table to fill here"
    filler = patient.lb.start(sys.executable, "-c", FILLER, patient.host.v4, limit // 3000 + 2)
    yield
    count = "/proc/sys/net/netfilter/nf_conntrack_count"
    wait_until(lambda: int(patient.host.run("cat", count).stdout) > 0.95 * limit, 60, "a full table")
    assert filler.wait(timeout=60) == 0, filler.log()
    time.sleep(1)
    patient.host.nft("delete", "table", "ip", "track")


# --- links and addresses ----------------------------------------------------------------------------------------------


@fault("addresses added and removed")
def addresses(patient):
    number = random.randrange(200, 250)
    for _ in range(10):
        for family, address in (("-4", f"10.77.0.{number}/24"), ("-6", f"fd77::{number:x}/64")):
            for verb in ("add", "del"):
                patient.host.run("ip", family, "address", verb, address, "dev", "eth0")
    yield


@fault("the node's own address goes and comes back", SILENT, hold=1)
def address_lost(patient):
    patient.host.run("ip", "address", "del", f"{patient.host.v4}/24", "dev", "eth0")
    time.sleep(0.3)
    patient.host.run("ip", "address", "add", f"{patient.host.v4}/24", "dev", "eth0")
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
