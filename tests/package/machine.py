"""A machine that systemd has booted: Debian from debootstrap, by systemd-nspawn, in the network namespace of a Host.

    machine = Machine(node, system_tree(...), share=folder)
    machine.run("systemctl", "start", "healthgate")
    machine.end()

The tree is made once and kept (about 50 s); what a machine writes goes to memory and ends with it.
"""

import hashlib
import os
import pathlib
import shutil
import signal
import subprocess

from process import Process, wait_until

TOOLS = ("debootstrap", "systemd-nspawn", "nsenter")
PROGRAMS = "systemd systemd-sysv dbus nftables iproute2 rpm procps ca-certificates".split()


def missing():
    """Why no machine can be booted here, "" if one can."""
    absent = [tool for tool in TOOLS if not shutil.which(tool)]
    if absent:
        return f"no {', '.join(absent)}"
    if not codename():
        return "the tree is made by debootstrap, which wants Debian"
    return ""


def codename():
    lines = pathlib.Path("/etc/os-release").read_text().splitlines()
    fields = dict(line.split("=", 1) for line in lines if "=" in line)
    return fields.get("VERSION_CODENAME", "") if fields.get("ID") == "debian" else ""


def mirror():
    """Where this machine's apt finds the distribution, so that a local mirror serves here as well."""
    ask = ["apt-get", "indextargets", "--format", "$(SITE) $(CODENAME)", "Created-By: Packages"]
    listed = subprocess.run(ask, capture_output=True, text=True).stdout
    sites = [line.split()[0] for line in listed.splitlines() if line.split()[1:] == [codename()]]
    return (sites or ["http://deb.debian.org/debian"])[0]


def libraries(binary):
    """The packages whose shared libraries the program loads."""
    listed = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    paths = {os.path.realpath(line.split()[2]) for line in listed.splitlines() if "=> /" in line}
    owners = subprocess.run(["dpkg", "-S", *paths], capture_output=True, text=True).stdout
    return sorted({line.split(":")[0] for line in owners.splitlines()})


def system_tree(cache, binary):
    """A Debian tree with systemd and what `binary` needs: that in `cache`, or made there, which takes a minute."""
    packages = sorted({*PROGRAMS, *libraries(binary)})
    key = hashlib.sha256(f"{codename()} {packages}".encode()).hexdigest()[:12]
    tree = cache / key
    if tree.exists():
        return tree
    shutil.rmtree(cache, ignore_errors=True)  # of another time's packages, or half made
    cache.mkdir(parents=True)
    half = cache / f"{key}.half"
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", codename(), half, mirror()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, f"debootstrap: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    half.rename(tree)
    return tree


class Machine:
    def __init__(self, host, tree, share):
        """Boots it in the host's namespace; `share` is seen at /share, read-only."""
        self.host = host
        self.process = Process(
            [
                *("systemd-nspawn", "--quiet", f"--machine={host.netns}", "--register=no", "--keep-unit", "--boot"),
                *("-D", tree, "--volatile=overlay", "--console=pipe", "--capability=CAP_NET_ADMIN"),
                *(f"--network-namespace-path=/run/netns/{host.netns}", f"--bind-ro={share}:/share"),
            ],
            host.net.directory / f"{host.name}-boot.log",
        )
        self.leader = 0
        try:
            self.leader = wait_until(self._first_process, 10, "systemd-nspawn starts an init")
            wait_until(self._booted, 30, "systemd is up")
        except (TimeoutError, RuntimeError) as error:
            self.end()
            raise RuntimeError(f"{error}\n{self.process.log()[-3000:]}") from None

    def _first_process(self):
        if not self.process.running:
            raise RuntimeError(f"systemd-nspawn ended with {self.process.wait()}")
        listed = subprocess.run(["pgrep", "-P", str(self.process.pid), "-x", "systemd"], capture_output=True, text=True)
        return int(listed.stdout.split()[0]) if listed.stdout else 0

    def _booted(self):
        return self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")

    def run(self, *argv, check=True, timeout=60, **options):
        """Runs a command inside; the CompletedProcess, with text in stdout and stderr."""
        inside = ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--"]
        command = [*inside, *(str(word) for word in argv)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, argv))}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def shell(self, script, **options):
        return self.run("sh", "-ec", script, **options)

    def write(self, path, text):
        self.run("sh", "-c", f"mkdir -p $(dirname {path}); cat >{path}", input=text)

    def property(self, name, unit="healthgate"):
        """One property of a unit, as `systemctl show` prints it."""
        return self.run("systemctl", "show", "--property", name, "--value", unit).stdout.strip()

    def journal(self, unit="healthgate"):
        return self.run("journalctl", "--no-pager", "--output=short-monotonic", "--unit", unit).stdout

    def end(self):
        if self.leader and self.process.running:
            os.kill(self.leader, signal.SIGKILL)  # its whole pid namespace; systemd-nspawn then tidies up
            try:
                self.process.wait(10)
            except TimeoutError:
                pass
        self.process.end()
