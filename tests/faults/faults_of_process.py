"""Faults of the daemon itself: stopped, killed, starved, its clock stepped; a nuisance of a config, of clients."""

import contextlib
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import time

from battery import CLOSES, LEASE, PORT, fault
from process import wait_until

CGROUPS = pathlib.Path("/sys/fs/cgroup")


@fault("stopped for two leases (SIGSTOP)", CLOSES, "did not run", hold=2 * LEASE)
def stopped(patient):
    patient.daemon.signal(signal.SIGSTOP)
    yield
    patient.daemon.signal(signal.SIGCONT)


@contextlib.contextmanager
def cgroup(controller, pid, name):
    """A cgroup of its own, version 1 or 2, with the process in it."""
    parent = CGROUPS / controller if (CGROUPS / controller).is_dir() else CGROUPS
    group = parent / f"hg{os.getpid()}-{name}"
    home = parent / pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines()[-1].split(":", 2)[2].lstrip("/")
    group.mkdir()
    try:
        (group / "cgroup.procs").write_text(str(pid))
        yield group
    finally:
        for left in (group / "cgroup.procs").read_text().split():
            (home if (home / "cgroup.procs").exists() else parent).joinpath("cgroup.procs").write_text(left)
        wait_until(lambda: not (group / "cgroup.procs").read_text(), 2, "the cgroup to be empty")
        group.rmdir()


def frozen(patient):
    with cgroup("freezer", patient.daemon.process.pid, patient.health) as group:
        file, freeze, thaw = ("freezer.state", "FROZEN", "THAWED")
        if not (group / file).exists():
            file, freeze, thaw = ("cgroup.freeze", "1", "0")
        (group / file).write_text(freeze)
        yield
        (group / file).write_text(thaw)


fault("frozen for 5 s, as a suspended machine (cgroup)", CLOSES, "did not run", hold=5)(frozen)
fault("frozen for a minute (cgroup)", CLOSES, "did not run", hold=60, long=True)(frozen)


@fault("killed (SIGKILL), back after a lease", CLOSES, hold=LEASE + 0.5)
def killed(patient):
    patient.daemon.kill()
    yield
    patient.daemon.start()


@fault("killed by its watchdog (SIGABRT), back at once", CLOSES, hold=0.5)
def aborted(patient):
    """As systemd does when WATCHDOG=1 fails to come; that it fails to come is shown under a real systemd elsewhere."""
    resource.prlimit(patient.daemon.process.pid, resource.RLIMIT_CORE, (0, 0))
    patient.daemon.signal(signal.SIGABRT)
    patient.daemon.process.wait()
    patient.daemon.start()
    yield


HOG = "import os; open('/proc/self/oom_score_adj', 'w').write('0'); block = b'x' * (200 << 20)"


@fault("killed for want of memory (cgroup), back after", CLOSES, hold=LEASE + 0.5)
def out_of_memory(patient):
    pid = patient.daemon.process.pid
    with cgroup("memory", pid, f"oom-{patient.health}") as group:
        limit = group / "memory.limit_in_bytes"
        (limit if limit.exists() else group / "memory.max").write_text(str(40 << 20))
        pathlib.Path(f"/proc/{pid}/oom_score_adj").write_text("1000")
        enter = f"open('{group}/cgroup.procs', 'w').write(str(__import__('os').getpid())); {HOG}"
        subprocess.run([sys.executable, "-c", enter], capture_output=True)
        assert patient.daemon.process.wait() == -signal.SIGKILL
        yield
    patient.daemon.start()


@fault("4 descriptors left for 20 idle clients (RLIMIT_NOFILE)", hold=2)
def no_descriptors(patient):
    pid = patient.daemon.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = len(os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 4, before[1]))
    clients = []
    with patient.lb.inside():
        for _ in range(20):
            clients.append(socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
            clients[-1].connect_ex((patient.host.v4, PORT))
    yield
    for client in clients:
        client.close()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
// The wall clock of one program, off by the seconds that stand in the file $CLOCK_OFFSET.
int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, now);
  FILE *file = clock == CLOCK_REALTIME ? fopen(getenv("CLOCK_OFFSET"), "r") : NULL;
  long offset = 0;
  if (file && fscanf(file, "%ld", &offset) == 1) now->tv_sec += offset;
  if (file) fclose(file);
  return result;
}
"""


def stepped_clock(host):
    """A daemon whose wall clock a file can step, so that this machine's need not be touched."""
    library, offset = host.net.directory / "clock.so", host.net.directory / f"offset-{host.name}"
    if not library.exists():
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, "-x", "c", "-"], input=CLOCK, text=True, check=True)
    offset.write_text("0")
    return {"env": {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(offset)}}


@fault("wall clock stepped a day ahead and a year back", prepare=stepped_clock)
def clock_stepped(patient):
    offset = patient.host.net.directory / f"offset-{patient.host.name}"
    for seconds in (86_400, -31_536_000, 0, 86_400):
        offset.write_text(str(seconds))
        patient.daemon.status()
        time.sleep(0.4)
    yield
    offset.write_text("0")


@fault("200 reloads in a row")
def reload_storm(patient):
    for _ in range(200):
        patient.daemon.signal(signal.SIGHUP)
        time.sleep(0.005)
    yield


@fault("a broken config, reloaded")
def broken_config(patient):
    good = patient.daemon.config_path.read_text()
    patient.daemon.config_path.write_text(good.replace("port = 18898", "port = many\nnonsense = 1"))
    patient.daemon.signal(signal.SIGHUP)
    yield
    patient.daemon.config_path.write_text(good)
    patient.daemon.signal(signal.SIGHUP)


@fault("reloads that change something, 50 in a row")
def reload_changes(patient):
    good = patient.daemon.config_path.read_text()
    for number in range(50):
        change = f"allow = 10.77.0.{200 + number}\nrise = {1 + number % 3}\n" if number % 2 else ""
        patient.daemon.config_path.write_text(good + change)
        patient.daemon.signal(signal.SIGHUP)
        time.sleep(0.02)
    yield
    patient.daemon.config_path.write_text(good)
    patient.daemon.signal(signal.SIGHUP)


@fault("100 clients of the control socket that never read")
def slow_readers(patient):
    clients = []
    for _ in range(100):
        clients.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
        with contextlib.suppress(OSError):
            clients[-1].connect(str(patient.daemon.control))
            clients[-1].send(b'{"command":"status"}\n' * 1000)
    yield
    for client in clients:
        client.close()


FULL_PIPE = """
import fcntl, os, sys
_, full = os.pipe()  # the other end stays open in the daemon, where nobody reads it
fcntl.fcntl(full, fcntl.F_SETPIPE_SZ, 4096)
for number in (1, 2):
    os.dup2(full, number)
os.set_inheritable(_, True)
os.execv(sys.argv[1], sys.argv[1:])
"""


@fault("nobody reads the log (a full pipe)", wrapper=[sys.executable, "-c", FULL_PIPE])
def log_blocked(patient):
    for _ in range(20):
        patient.daemon.command("status", check=False)
        patient.daemon.signal(signal.SIGHUP)
    yield
