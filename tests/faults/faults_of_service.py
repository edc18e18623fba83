"""Faults of what is probed: each closes the gate, with a reason that names it."""

import contextlib
import signal
import sys
import time

from battery import CLOSES, EITHER, fault
from process import wait_until


def becomes(mode, words):
    """A fault that gives a healthy service another mode; the ill one stays as it is."""

    @fault(f"the service: {mode}", CLOSES, words, hold=1.5, within=1.0)
    def strike(patient):
        if patient.health == "healthy":
            patient.service.mode(mode)
        yield
        if patient.health == "healthy":
            patient.service.mode("200")


for mode, words in {
    "hang": "no answer within",
    "slow": "no answer within",
    "endless-body": "",
    "endless-header": "",
    "big-body": "",
    "garbage": "",
    "refuse": "refused",
    "silent": "no answer within",
}.items():
    becomes(mode, words)


@fault("the service ends every idle connection", hold=1.5)
def drops(patient):
    for _ in range(5):
        patient.service.drop_connections()
        asked = patient.service.requests()
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: patient.service.requests() > asked, 0.3, "a probe")
    yield


@fault("one bad answer in three", hold=0)
def flapping(patient):
    """Less than `fall` failures in a row are no reason to close."""
    for _ in range(6):
        if patient.health == "healthy":
            for mode, answers in (("500", 1), ("200", 2)):
                asked = patient.service.requests()
                patient.service.mode(mode)
                wait_until(lambda: patient.service.requests() >= asked + answers, 2, "probes")
    yield


@fault("the service flips every 300 ms", EITHER, hold=0)
def flips(patient):
    for number in range(10):
        if patient.health == "healthy":
            patient.service.mode("200" if number % 2 else "500")
            time.sleep(0.3)
    yield


@fault("the service's machine vanishes", CLOSES, "no answer within", hold=2, within=1.2, remote=True)
def vanishes(patient):
    patient.service.host.run("ip", "link", "set", "eth0", "down")
    yield
    patient.service.host.run("ip", "link", "set", "eth0", "up")


# --- names ------------------------------------------------------------------------------------------------------------

NAME_SERVER = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
while True:
    query, client = server.recvfrom(512)
    end = query.index(0, 12) + 5
    known = query[end - 4 : end - 2] == b"\\0\\1"  # an A record; nothing for others
    answer = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\0\\0\\4\\x7f\\0\\0\\1" if known else b""
    counts = b"\\0\\1" + (b"\\0\\1" if known else b"\\0\\0") + bytes(4)
    server.sendto(query[:2] + b"\\x85\\x80" + counts + query[12:end] + answer, client)
"""


def own_name_server(url):
    """A daemon that asks a name server of its host's, and the URL that it probes."""

    def prepare(host):
        host.name_server = host.start(sys.executable, "-c", NAME_SERVER)
        resolv = host.net.directory / f"resolv-{host.name}.conf"
        resolv.write_text("nameserver 127.0.0.1\n")
        mount = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        return {"wrapper": ["unshare", "--mount", "sh", "-c", mount, str(resolv)], "keys": {"probe": url}}

    return prepare


def name_server_hangs(patient):
    patient.host.name_server.signal(signal.SIGSTOP)
    yield
    patient.host.name_server.signal(signal.SIGCONT)


fault("DNS dead, the probe's URL has a name", CLOSES, "service.test", hold=2, within=1.2,
      prepare=own_name_server("http://service.test:1936/healthz/ready"))(name_server_hangs)
fault("DNS dead, the probe's URL has localhost", hold=2,
      prepare=own_name_server("http://localhost:1936/healthz/ready"))(name_server_hangs)
