"""Faults of the disk under the log and the state."""

import contextlib
import pathlib
import random
import signal
import subprocess

from battery import CLOSES, EITHER, fault


@contextlib.contextmanager
def small_disk(patient):
    """A file system of 64 kB in the place of the state folder, with the state that was there."""
    state = patient.daemon.directory / "state"
    kept = {path.name: path.read_bytes() for path in state.iterdir() if path.is_file()}
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "healthgate-test", state], check=True)
    try:
        for name, content in kept.items():
            (state / name).write_bytes(content)
        yield state
    finally:
        subprocess.run(["umount", "-l", state], check=True)


def changes(patient):
    """What makes the daemon want to write its state."""
    patient.daemon.command("drain", "router", "--for", "1h", "--reason", "a test", check=False)
    patient.daemon.command("auto", "router", check=False)


@fault("disk full under the state", CLOSES, "drain", hold=2, within=2)
def disk_full(patient):
    """The drain closes the gate as ordered; that it cannot be saved is no reason for anything else."""
    with small_disk(patient) as state:
        with contextlib.suppress(OSError):
            (state / "filler").write_bytes(bytes(1 << 20))
        changes(patient)
        yield


@fault("disk full under the log (/dev/full)", wrapper=["sh", "-c", 'exec "$@" >/dev/full 2>&1', "sh"])
def log_full(patient):
    for _ in range(50):
        patient.daemon.command("status", check=False)
    patient.daemon.signal(signal.SIGHUP)
    yield


@fault("state read-only", CLOSES, "drain", hold=2, within=2)
def read_only(patient):
    with small_disk(patient) as state:
        subprocess.run(["mount", "-o", "remount,ro", state], check=True)
        changes(patient)
        yield


def mutilations(path):
    content = path.read_bytes()
    yield content[: len(content) // 2]
    yield b""
    yield random.Random(len(content)).randbytes(len(content) or 100)
    yield content.replace(b"1", b"\xff")


@fault("killed, and its state cut, emptied and garbled", EITHER, hold=0)
def broken_state(patient):
    changes(patient)
    files = [path for path in pathlib.Path(patient.daemon.directory / "state").iterdir() if path.is_file()]
    for number in range(4):
        patient.daemon.kill()
        for path in files:
            if path.exists():
                path.write_bytes(list(mutilations(path))[number])
        patient.daemon.start()
        patient.settle()
    yield
