"""What a load balancer that can only connect sees of a port: accepted, refused or silent."""

import errno
import socket
import struct
import time
from dataclasses import dataclass

from process import wait_until

RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of 0: no TIME_WAIT here, as a health checker does it


@dataclass(frozen=True)
class Attempt:
    outcome: str  # accepted, refused (RST), silent (nothing came back), or the errno's name
    started: float  # CLOCK_MONOTONIC, comparable between processes
    took: float  # seconds


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def outcome_of(error):
    """The outcome that an errno of connect(2) stands for."""
    names = {0: "accepted", errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "silent"}
    return names.get(error) or errno.errorcode.get(error, str(error))


def connect(host, address, port, timeout=0.3, source=None):
    """One connect from `host`, with `source` as its own address where given. Blocks at most `timeout` seconds."""
    with host.inside():
        client = socket.socket(family_of(address), socket.SOCK_STREAM)
    with client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        client.settimeout(timeout)
        if source:
            client.bind((source, 0))
        started = time.monotonic()
        try:
            client.connect((address, port))
            outcome = "accepted"
        except TimeoutError:
            outcome = "silent"
        except OSError as error:
            outcome = outcome_of(error.errno)
        return Attempt(outcome, started, time.monotonic() - started)


def wait_for(host, address, port, outcome, timeout=5, **options):
    """Connects until `outcome` is seen; that Attempt."""
    seen = set()

    def attempt():
        last = connect(host, address, port, **options)
        seen.add(last.outcome)
        return last if last.outcome == outcome else None

    try:
        return wait_until(attempt, timeout, outcome)
    except TimeoutError:
        raise TimeoutError(f"{address} port {port} not {outcome} within {timeout} s, but {sorted(seen)}") from None
