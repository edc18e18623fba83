#!/usr/bin/env python3
"""An HTTP service whose health a test switches: a process in the host's namespace, told what to do over a pipe.

    service = Service(node, 1936)
    service.mode("503")          # in force when this returns
    service.requests()           # how many it has read so far

Modes: a status code; `redirect URL`; `hang` (reads, never answers); `close` and `reset` (after reading); `slow` (one
byte a second); `endless-header`; `continue` (100 Continue without end); `endless-body`; `big-body` (100 MB);
`gzip-bomb`; `garbage` (not HTTP); `refuse` (nobody listens); `silent` (accepts, reads nothing); `endless-line` (a
header line without an end); `raw TEXT`, `raw-hang TEXT`, `raw-reset TEXT` (exactly this, with \\r\\n and \\xHH, then
the end of the connection, nothing, or RST).
"""

import argparse
import collections
import contextlib
import gzip
import itertools
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time


class Service:
    """The test's side. Keyword arguments become options of the process: cert, key, client_ca, unix."""

    def __init__(self, host, port=1936, mode="200", **options):
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        self.port = port
        self.process = host.start(
            sys.executable, __file__, "--port", port, *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._ask(f"mode {mode}")

    def _ask(self, line):
        self.process.popen.stdin.write(line.encode() + b"\n")
        self.process.popen.stdin.flush()
        answer = self.process.popen.stdout.readline().decode().strip()
        if not answer.startswith("ok"):
            raise RuntimeError(f"{line}: {answer or self.process.log()}")
        return answer.removeprefix("ok").strip()

    def mode(self, mode):
        self._ask(f"mode {mode}")

    def body(self, text):
        self._ask(f"body {text}")

    def header(self, line):
        """Adds a header line to every answer from now on."""
        self._ask(f"header {line}")

    def requests(self):
        return int(self._ask("requests"))

    def arrivals(self):
        """When the latest requests came, CLOCK_MONOTONIC, oldest first; at most 10000."""
        return [float(time) for time in self._ask("arrivals").split()]

    def last_request(self):
        """The last request's head, lines joined by a vertical bar."""
        return self._ask("last")

    def drop_connections(self):
        """Ends every open connection, idle keep-alive ones among them, as a restarting service does."""
        self._ask("drop")

    def kill(self):
        self.process.kill()


class _Server:
    def __init__(self, arguments):
        self.arguments = arguments
        self.mode, self.text, self.headers = "200", "ok\n", []
        self.count, self.head, self.arrivals = 0, "", collections.deque(maxlen=10000)
        self.listeners, self.connections = [], set()
        self.lock = threading.Lock()
        self.context = None
        if arguments.cert:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(arguments.cert, arguments.key)
            if arguments.client_ca:
                self.context.load_verify_locations(arguments.client_ca)
                self.context.verify_mode = ssl.CERT_REQUIRED

    # --- listening ---

    def listen(self):
        if self.arguments.unix:
            pairs = [(socket.AF_UNIX, self.arguments.unix)]
        else:
            pairs = [(socket.AF_INET, ("0.0.0.0", self.arguments.port)), (socket.AF_INET6, ("::", self.arguments.port))]
        for family, address in pairs:
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            listener.listen(512)
            self.listeners.append(listener)
            threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def unlisten(self):
        for listener in self.listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept
            listener.close()
        self.listeners = []
        self.drop()

    def drop(self):
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    # --- one connection ---

    def serve(self, connection):
        with self.lock:
            self.connections.add(connection)
        try:
            stream = self.context.wrap_socket(connection, server_side=True) if self.context else connection
            if stream.family != socket.AF_UNIX:
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pending = b""
            while True:
                if self.mode == "silent":
                    threading.Event().wait()
                while b"\r\n\r\n" not in pending:
                    more = stream.recv(65536)
                    if not more:
                        return
                    pending += more
                head, pending = pending.split(b"\r\n\r\n", 1)
                with self.lock:
                    self.count += 1
                    self.arrivals.append(time.monotonic())
                    self.head = head.decode(errors="replace").replace("\r\n", "|")
                if not self.answer(stream, head.startswith(b"HEAD")):
                    return
        except OSError:
            pass
        finally:
            with self.lock:
                self.connections.discard(connection)
            connection.close()

    def answer(self, stream, head_only):
        """Answers one request as the mode says; whether the connection goes on."""
        mode, _, argument = self.mode.partition(" ")
        if mode.isdigit():
            stream.sendall(self.response(int(mode), self.text.encode(), head_only))
            return True
        misbehave = getattr(self, "answer_" + mode.replace("-", "_"))
        misbehave(stream, argument)
        return False

    def response(self, status, body, head_only=False, extra=()):
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *self.headers, *extra, "", ""]
        return "\r\n".join(lines).encode() + (b"" if head_only else body)

    def answer_redirect(self, stream, url):
        stream.sendall(self.response(302, b"", extra=[f"Location: {url}"]))

    def answer_hang(self, stream, _):
        while stream.recv(65536):  # until the peer gives up
            pass

    def answer_close(self, stream, _):
        pass

    def answer_reset(self, stream, _):
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def answer_slow(self, stream, _):
        for byte in self.response(200, b"ok\n"):
            stream.sendall(bytes([byte]))
            time.sleep(1)

    def answer_endless_header(self, stream, _):
        stream.sendall(b"HTTP/1.1 200 OK\r\n")
        for number in itertools.count():
            stream.sendall(b"X-%d: more\r\n" % number)
            time.sleep(0.001)

    def answer_continue(self, stream, _):
        while True:
            stream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.001)

    def answer_endless_body(self, stream, _):
        stream.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            stream.sendall(b"1\r\nx\r\n")
            time.sleep(0.05)

    def answer_big_body(self, stream, _):
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(1000):
            stream.sendall(b"x" * 100000)

    def answer_gzip_bomb(self, stream, _):
        body = gzip.compress(bytes(200_000_000), 1)
        stream.sendall(self.response(200, body, extra=["Content-Encoding: gzip"]))

    def answer_endless_line(self, stream, _):
        stream.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            stream.sendall(b"x" * 1000)
            time.sleep(0.001)

    def answer_raw(self, stream, text):
        stream.sendall(text.encode().decode("unicode_escape").encode("latin-1"))

    def answer_raw_hang(self, stream, text):
        self.answer_raw(stream, text)
        self.answer_hang(stream, "")

    def answer_raw_reset(self, stream, text):
        self.answer_raw(stream, text)
        time.sleep(0.05)  # so that the bytes go out before the reset overtakes them
        self.answer_reset(stream, "")

    def answer_garbage(self, stream, _):
        stream.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

    # --- the pipe ---

    def set_mode(self, mode):
        name = mode.partition(" ")[0]
        if not (name.isdigit() or name in ("refuse", "silent") or hasattr(self, "answer_" + name.replace("-", "_"))):
            raise ValueError(f"no mode {mode}")
        self.mode = mode
        if mode == "refuse":
            self.unlisten()
        elif not self.listeners:
            self.listen()

    def obey(self, line):
        command, _, argument = line.partition(" ")
        if command == "mode":
            self.set_mode(argument)
        elif command == "body":
            self.text = argument
        elif command == "header":
            self.headers.append(argument)
        elif command == "drop":
            self.drop()
        elif command == "requests":
            return str(self.count)
        elif command == "arrivals":
            with self.lock:
                return " ".join(f"{when:.6f}" for when in self.arrivals)
        elif command == "last":
            return self.head
        else:
            raise ValueError(f"no command {command}")
        return ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=1936)
    parser.add_argument("--unix")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--client-ca")
    server = _Server(parser.parse_args())
    for line in sys.stdin:
        try:
            print("ok", server.obey(line.strip()), flush=True)
        except (ValueError, OSError) as error:
            print("error", error, flush=True)


if __name__ == "__main__":
    main()
