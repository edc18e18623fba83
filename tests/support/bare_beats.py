#!/usr/bin/env python3
"""The least that can keep a beat: a thread for each of a few, which sleeps until it is due and asks a server. How far
its requests slip is what the machine costs just now: the peer of a prober's slip.

    BareBeats(node, 1936, interval=0.1, paths=["/bare0", "/bare1"])
"""

import argparse
import http.client
import sys
import threading
import time


class BareBeats:
    def __init__(self, host, port, interval, paths):
        self.process = host.start(sys.executable, __file__, "--port", port, "--interval", interval, *paths)


def beat(port, interval, path, first):
    due = first
    while True:
        time.sleep(max(0.0, due - time.monotonic()))
        due += interval
        asker = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            asker.request("GET", path)
            asker.getresponse().read()
        except OSError:
            pass
        finally:
            asker.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--interval", type=float, required=True)
    parser.add_argument("paths", nargs="+")
    arguments = parser.parse_args()
    began = time.monotonic()
    for number, path in enumerate(arguments.paths):
        first = began + arguments.interval * number / len(arguments.paths)
        threading.Thread(target=beat, args=(arguments.port, arguments.interval, path, first)).start()


if __name__ == "__main__":
    main()
