"""Processes that tests start: they write to a log, are ended by their pid, and never outlive the test run."""

import ctypes
import os
import pathlib
import signal
import subprocess
import time

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def die_with_parent(number=signal.SIGKILL):
    """Asks the kernel for that signal when the parent ends: the *thread* that started this process (prctl(2)), so
    processes are started from main threads."""
    _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def wait_until(condition, timeout, what, interval=0.005):
    """Calls `condition` until it returns something true, and returns that; TimeoutError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout} s: {what}")
        time.sleep(interval)


class Process:
    """One running program. `log` receives stdout and stderr unless `stdout` says otherwise."""

    def __init__(self, argv, log, env=None, stdin=subprocess.DEVNULL, stdout=None):
        self.argv = [str(word) for word in argv]
        self.log_path = pathlib.Path(log)
        with open(self.log_path, "ab") as sink:
            self.popen = subprocess.Popen(
                self.argv,
                stdin=stdin,
                stdout=sink if stdout is None else stdout,
                stderr=sink,
                env={**os.environ, **env} if env else None,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self.pid = self.popen.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    @property
    def running(self):
        return self.popen.poll() is None

    def log(self):
        return self.log_path.read_text(errors="replace")

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, timeout=5):
        """The exit code, negative for a signal; the log's end stands in the error when it does not come."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.argv[0]} did not end within {timeout} s:\n{self.log()[-2000:]}") from None

    def stop(self, timeout=5):
        """SIGTERM, then the exit code."""
        if self.running:
            self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self):
        """SIGKILL, reaped when this returns."""
        if self.running:
            self.signal(signal.SIGKILL)
        return self.wait()

    def end(self):
        """Whatever it takes, its own children included; harmless when all has ended."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait(5)
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe:
                pipe.close()
