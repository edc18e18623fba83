"""A network of hosts on one machine: each host is a network namespace with eth0 on a common bridge.

    with Net() as net:
        lb, node = net.host("lb"), net.host("node")
        node.run("nft", "list", "ruleset")
        with lb.inside():
            socket.create_connection((node.v4, 18898))

The root namespace is never touched. Names begin with `hg` and the run's pid, so that runs do not meet, and what a
killed run left behind is removed by the next one.
"""

import contextlib
import ctypes
import itertools
import os
import pathlib
import re
import subprocess
import tempfile

from process import Process

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_names = itertools.count(1)
_NETNS = pathlib.Path("/run/netns")


def _ip(*arguments, batch=None):
    command = ["ip", *arguments] + (["-batch", "-"] if batch else [])
    done = subprocess.run(command, input=batch, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}\n{batch or ''}")


def _setns(fd):
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def remove_leftovers():
    """Deletes namespaces of runs whose process is gone. Their programs ended with it (process.py)."""
    for path in _NETNS.glob("hg*") if _NETNS.exists() else ():
        owner = re.fullmatch(r"hg(\d+)-.*", path.name)
        if owner and not pathlib.Path(f"/proc/{owner.group(1)}").exists():
            subprocess.run(["ip", "netns", "del", path.name], capture_output=True)


class Host:
    def __init__(self, net, name, number):
        self.net = net
        self.name = name
        self.netns = f"{net.prefix}{name}"
        self.v4 = f"10.77.0.{number}"
        self.v6 = f"fd77::{number:x}"
        self.processes = []

    @contextlib.contextmanager
    def inside(self):
        """Runs the block with this thread in the host's namespace: sockets opened there stay there."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        target = os.open(_NETNS / self.netns, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(target)
            try:
                yield self
            finally:
                _setns(home)
        finally:
            os.close(target)
            os.close(home)

    def run(self, *argv, check=True, timeout=20, **options):
        """Runs a command to its end; the CompletedProcess, with text in stdout and stderr."""
        with self.inside():
            done = subprocess.run(
                [str(word) for word in argv], capture_output=True, text=True, timeout=timeout, **options
            )
        if check and done.returncode != 0:
            command = " ".join(map(str, argv))
            raise RuntimeError(f"{self.name}: {command}: exit {done.returncode}: {done.stderr.strip()}")
        return done

    def start(self, *argv, log=None, **options):
        """Starts a program that runs until it ends, the test stops it, or the net goes."""
        log = log or self.net.directory / f"{self.name}-{len(self.processes)}-{pathlib.Path(str(argv[0])).name}.log"
        with self.inside():
            process = Process(argv, log, **options)
        self.processes.append(process)
        return process

    def nft(self, *arguments, text=None):
        """`nft ARGUMENTS`, or `nft -f -` of `text`; what it printed."""
        if text is not None:
            return self.run("nft", "-f", "-", input=text).stdout
        return self.run("nft", *arguments).stdout

    def sysctl(self, key, value):
        with self.inside():
            pathlib.Path("/proc/sys", *key.split(".")).write_text(str(value))

    def add_address(self, address):
        """Another address with its prefix, "10.77.0.200/24"."""
        _ip("-n", self.netns, "address", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else []))


class Net:
    def __init__(self, directory=None):
        self.prefix = f"hg{os.getpid()}-{next(_names)}-"
        self.hosts = []
        self._temporary = None if directory else tempfile.TemporaryDirectory(prefix="healthgate-")
        self.directory = pathlib.Path(directory or self._temporary.name)
        self.switch = f"{self.prefix}sw"
        _ip("netns", "add", self.switch)
        _ip("-n", self.switch, batch="link add br0 type bridge forward_delay 0 mcast_snooping 0\nlink set br0 up\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    def host(self, name):
        """A new host with an IPv4 and an IPv6 address, reachable when this returns."""
        host = Host(self, name, len(self.hosts) + 1)
        _ip("netns", "add", host.netns)
        self.hosts.append(host)
        peer = f"p-{len(self.hosts)}"
        _ip("-n", host.netns, "link", "add", "eth0", "type", "veth", "peer", "name", peer, "netns", self.switch)
        _ip("-n", self.switch, "link", "set", peer, "master", "br0", "up")
        _ip(
            "-n",
            host.netns,
            batch=f"link set lo up\naddress add {host.v4}/24 dev eth0\naddress add {host.v6}/64 dev eth0 nodad\n"
            "link set eth0 up\n",
        )
        return host

    def remove(self):
        """Ends what was started and deletes the namespaces. Also after a failure, and twice."""
        for host in self.hosts:
            for process in reversed(host.processes):
                process.end()
        for netns in [host.netns for host in self.hosts] + [self.switch]:
            subprocess.run(["ip", "netns", "del", netns], capture_output=True)
        self.hosts = []
        if self._temporary:
            self._temporary.cleanup()
