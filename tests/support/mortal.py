#!/usr/bin/env python3
"""A service that is killed and comes back at once: a keeper that forks the process that listens and serves.

    mortal = Mortal(node, 1936, pid_file=path)
    when = mortal.die()       # kill -9; CLOCK_MONOTONIC of just before
    mortal.live()             # it listens again when this returns

Answers every request with 200 over HTTP/1.1, keeping the connection; `http=False` only accepts; with `cert`, over TLS.
"""

import argparse
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Mortal:
    def __init__(self, host, port=1936, **options):
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        self.process = host.start(
            sys.executable, __file__, "--port", port, *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.live()

    def live(self):
        self.process.popen.stdin.write(b"live\n")
        self.process.popen.stdin.flush()
        self.pid = int(self.process.popen.stdout.readline())

    def die(self):
        when = time.monotonic()
        os.kill(self.pid, signal.SIGKILL)
        return when


def serve(connection, context, http):
    try:
        stream = context.wrap_socket(connection, server_side=True) if context else connection
        while stream.recv(65536):
            if http:
                stream.sendall(ANSWER)
    except OSError:
        pass
    finally:
        connection.close()


def live(arguments, ready):
    context = None
    if arguments.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.cert)
    listener = socket.create_server(("", arguments.port), backlog=128)
    if arguments.pid_file:
        path = pathlib.Path(arguments.pid_file)
        path.with_suffix(".new").write_text(f"{os.getpid()}\n")
        path.with_suffix(".new").rename(path)
    os.write(ready, b"x")
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(connection, context, arguments.http), daemon=True).start()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pid-file")
    parser.add_argument("--cert")
    parser.add_argument("--http", type=lambda word: word == "True", default=True)
    arguments = parser.parse_args()
    pid = 0
    for _ in sys.stdin:
        if pid:
            os.waitpid(pid, 0)
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            live(arguments, theirs)
        os.close(theirs)
        os.read(ours, 1)
        os.close(ours)
        print(pid, flush=True)
    if pid:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
