"""Headless Chromium in a host's namespace, driven over the DevTools protocol.

    with Browser(node, directory) as browser:
        browser.open("http://127.0.0.1:18899/", width=360, dark=True)
        browser.evaluate("document.title")
        browser.screenshot(path)
        browser.requests        # every URL that it asked for
"""

import base64
import itertools
import json
import time
import urllib.request

import websocket
from process import wait_until

QUIET = (  # nothing that it would ask of the world by itself
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
    "--disable-dev-shm-usage", "--remote-debugging-port=0", "--remote-allow-origins=*", "--hide-scrollbars",
)  # fmt: skip


class Browser:
    def __init__(self, host, directory):
        self.host, self.profile = host, directory / "chromium"
        self.process = host.start("chromium", *QUIET, f"--user-data-dir={self.profile}", "about:blank")
        port_file = self.profile / "DevToolsActivePort"
        wait_until(lambda: port_file.exists() and "\n" in port_file.read_text(), 20, "Chromium's port")
        port = int(port_file.read_text().splitlines()[0])
        with host.inside():
            page = wait_until(lambda: self._page(port), 10, "a page")
            self.socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=20)
        self.ids = itertools.count(1)
        self.requests, self.problems, self.loaded = [], [], 0
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    @staticmethod
    def _page(port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=5) as answer:
            pages = [one for one in json.load(answer) if one["type"] == "page"]
        return pages[0] if pages else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.process.stop()

    def send(self, method, **parameters):
        """A command; its result. Events that come before it are taken in."""
        number = next(self.ids)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self._take(message)

    def _take(self, event):
        if event["method"] == "Network.requestWillBeSent":
            self.requests.append(event["params"]["request"]["url"])
        elif event["method"] == "Page.loadEventFired":
            self.loaded += 1
        elif event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] in ("error", "warning"):
            self.problems.append(event["params"]["entry"]["text"])
        elif event["method"] == "Runtime.exceptionThrown":
            self.problems.append(event["params"]["exceptionDetails"]["text"])

    def open(self, url, width=1200, height=900, dark=False, script=True):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self.send("Emulation.setScriptExecutionDisabled", value=not script)
        before = self.loaded
        self.send("Page.navigate", url=url)
        end = time.monotonic() + 20
        while self.loaded == before:
            if time.monotonic() > end:
                raise TimeoutError(f"{url} is not loaded")
            self._take(json.loads(self.socket.recv()))

    def evaluate(self, expression):
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def screenshot(self, path, whole=True):
        shot = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))
