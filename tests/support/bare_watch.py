#!/usr/bin/env python3
"""The least that can notice a death: a program that waits for the end of one connection, or for a file to go, and
closes its listener then. What it takes is what the machine takes just now: the peer of every reaction that is measured.

    peer = BareWatch(node, 28898, service=1936)      # or file=path
    mortal.die()                                     # 28898 is refused as soon as this program has run

Listens again as soon as the service, or the file, is back.
"""

import argparse
import ctypes
import os
import socket
import sys
import time

IN_DELETE, IN_MOVED_FROM = 0x200, 0x40


class BareWatch:
    def __init__(self, host, port, **what):
        words = [f"--{name}={value}" for name, value in what.items()]
        self.process = host.start(sys.executable, __file__, "--port", port, *words)


def connection_to(port):
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.002)


def wait_for_the_end_of(connection):
    with connection:
        try:
            connection.recv(1)
        except OSError:
            pass


def wait_for_removals_in(path):
    """A function that blocks until something is removed from the file's directory."""
    libc = ctypes.CDLL(None, use_errno=True)
    inotify = libc.inotify_init1(os.O_CLOEXEC)
    libc.inotify_add_watch(inotify, os.fsencode(os.path.dirname(path)), IN_DELETE | IN_MOVED_FROM)
    return lambda: os.read(inotify, 4096)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--service", type=int)
    parser.add_argument("--file")
    arguments = parser.parse_args()
    removed = wait_for_removals_in(arguments.file) if arguments.file else None
    while True:
        if removed:
            while not os.path.exists(arguments.file):
                time.sleep(0.002)
        else:
            connection = connection_to(arguments.service)
        listener = socket.create_server(("", arguments.port), backlog=1024)
        if removed:
            removed()
        else:
            wait_for_the_end_of(connection)
        listener.close()


if __name__ == "__main__":
    main()
