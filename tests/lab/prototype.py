#!/usr/bin/env python3
"""The first prototype's behaviour, for comparison: poll once a second, open or close by starting or killing a child.

One good answer opens and one bad answer closes; the child listens with a plain HTTP file server on every address,
and a port that it cannot bind is not tried again before the next change.
"""

import http.server
import os
import signal
import socketserver
import time
import urllib.error
import urllib.request

URL = "http://localhost:1936/healthz/ready"
PORT = 18898
INTERVAL = 1.0
TIMEOUT = 0.5


def healthy():
    try:
        with urllib.request.urlopen(URL, timeout=TIMEOUT) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def listener():
    """The child's whole life."""
    try:
        with socketserver.TCPServer(("0.0.0.0", PORT), http.server.SimpleHTTPRequestHandler) as server:
            server.serve_forever()
    finally:
        os._exit(0)


def main():
    child = None
    while True:
        if healthy():
            if child is None:
                child = os.fork()
                if child == 0:
                    listener()
        elif child is not None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            child = None
        time.sleep(INTERVAL)


if __name__ == "__main__":
    main()
