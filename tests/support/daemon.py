"""The daemon under test: `healthgate run` with a config and a control socket of its own."""

import json
import os
import pathlib
import re
import signal

from process import wait_until

BINARY = os.environ.get("HEALTHGATE_BIN") or str(pathlib.Path(__file__).parents[2] / "build/release/src/healthgate")
SANITIZER_REPORT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|DEADLYSIGNAL")


def gate_config(name="router", allow=(), **keys):
    """A [gate.NAME] section; a key's underscores become dashes, a list becomes one line a value."""
    defaults = {"port": 18898, "probe": "http://localhost:1936/healthz/ready"}
    lines = [f"[gate.{name}]"] + [f"allow = {address}" for address in allow]
    for key, value in (defaults | keys).items():
        values = value if isinstance(value, (list, tuple)) else [value]
        lines += [f"{key.replace('_', '-')} = {one}" for one in values]
    return "\n".join(lines) + "\n"


class Daemon:
    """Started, and answering on its control socket, when the constructor returns (unless `wait` is False).

    `config` is the file's text after the global keys that every daemon here needs; without it, one gate `router`
    with `keys`, allowed from `allow`. `options` go behind `healthgate run`, `env` into its environment,
    `wrapper` before it: words of a program that becomes it by exec.
    """

    def __init__(self, host, config=None, allow=(), keys=None, globals_=None, options=(), env=None, wrapper=(), wait=True):
        self.host = host
        self.directory = host.net.directory / f"daemon-{host.name}-{len(host.processes)}"
        self.directory.mkdir()
        self.control = self.directory / "control.sock"
        self.config_path = self.directory / "healthgate.conf"
        self.globals = {"control-socket": self.control, "state-dir": self.directory / "state", "log-level": "debug"}
        self.globals |= globals_ or {}
        self.options, self.env, self.wrapper = [str(option) for option in options], env, list(wrapper)
        self.allow, self.keys = list(allow), keys or {}
        self.process = None
        self.write_config(config)
        self.start(wait)

    def write_config(self, config=None):
        text = "".join(f"{key} = {value}\n" for key, value in self.globals.items())
        text += "\n" + (config if config is not None else gate_config(allow=self.allow, **self.keys))
        self.config_path.write_text(text)

    def start(self, wait=True, options=()):
        """Starts it, again after stop() or kill(); config and state stay. `options` are for this start alone."""
        (self.directory / "state").mkdir(exist_ok=True)
        log = self.directory / f"log-{len(list(self.directory.glob('log-*')))}.txt"
        command = [*self.wrapper, BINARY, "run", "-c", self.config_path, *self.options, *options]
        self.process = self.host.start(*command, log=log, env=self.env)
        if wait:
            wait_until(self._answers, 10, f"the daemon answers; its log:\n{self.log()}")

    def take_over(self):
        """A successor with --takeover in the place of the daemon that runs; the exit code of the latter."""
        predecessor = self.process
        self.start(wait=False, options=["--takeover"])
        code = predecessor.wait(timeout=10)
        wait_until(self._answers, 10, f"the successor answers; its log:\n{self.log()}")
        return code

    def _answers(self):
        if not self.process.running:
            raise RuntimeError(f"the daemon ended with {self.process.wait()}:\n{self.log()}")
        return self.control.exists() and self.command("status", check=False).returncode in (0, 1)

    # --- what it says ---

    def command(self, *words, check=True, timeout=20):
        """`healthgate WORDS --control SOCKET` on the daemon's host."""
        name, rest = words[0], words[1:]
        return self.host.run(BINARY, name, "--control", self.control, *rest, check=check, timeout=timeout)

    def status(self):
        answer = self.command("status", "--json", check=False)  # 1 says that a gate is not open
        assert answer.returncode in (0, 1), answer.stderr
        return json.loads(answer.stdout)

    def gate(self, name="router"):
        return next(gate for gate in self.status()["gates"] if gate["name"] == name)

    def wait_gate(self, condition, name="router", timeout=5):
        """Waits until `condition`, a state or a function of the gate's part of the status, holds; that part."""
        holds = condition if callable(condition) else lambda gate: gate["state"] == condition
        last = {}

        def matching():
            nonlocal last
            last = self.gate(name)
            return last if holds(last) else None

        try:
            return wait_until(matching, timeout, "")
        except TimeoutError:
            what = "the condition" if callable(condition) else condition
            tail = self.log()[-3000:]
            raise TimeoutError(f"gate {name} not {what} within {timeout} s, but {last}\n{tail}") from None

    def log(self):
        return self.process.log()

    def wait_log(self, pattern, timeout=5):
        """Waits for a line that matches; the match."""
        try:
            return wait_until(lambda: re.search(pattern, self.log()), timeout, "")
        except TimeoutError:
            raise TimeoutError(f"no /{pattern}/ in the log within {timeout} s:\n{self.log()[-3000:]}") from None

    def table(self):
        """The table as nft lists it, "" while there is none."""
        listed = self.host.run("nft", "list", "table", "inet", "healthgate", check=False)
        return listed.stdout if listed.returncode == 0 else ""

    # --- its end ---

    def signal(self, number):
        self.process.signal(number)

    def stop(self):
        """SIGTERM; the exit code."""
        return self.process.stop()

    def kill(self):
        self.process.kill()

    def finish(self):
        """Stops it if it still runs, and fails when it ended badly or a sanitizer had something to say."""
        if self.process.running:
            self.process.signal(signal.SIGCONT)  # a test may have left it stopped
            code = self.process.stop(timeout=10)
            assert code == 0, f"exit code {code} after SIGTERM:\n{self.log()[-3000:]}"
        for log in sorted(self.directory.glob("log-*")):
            text = log.read_text(errors="replace")
            report = SANITIZER_REPORT.search(text)
            assert not report, f"{report.group()} in the log:\n{text[report.start():][:4000]}"
