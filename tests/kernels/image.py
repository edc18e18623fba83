"""What a kernel finds when it boots: one archive with Python, pytest, nft, ip, the tests and the binary, all taken from
this machine, and the kernel's own network modules. It lives in memory; nothing is mounted, nothing survives.
"""

import os
import pathlib
import re
import shutil
import subprocess

PROGRAMS = tuple("bash sh ip nft kmod python3 sleep env cat unshare mount true id socat".split())
SITE = ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "attr", "attrs", "py", "more_itertools")
MODULES = ("net/netfilter", "net/ipv4/netfilter", "net/ipv6/netfilter", "net/bridge", "net/802", "net/llc", "lib")
DRIVERS = ("veth", "sock_diag", "inet_diag", "tcp_diag", "netlink_diag")
TESTS = pathlib.Path(__file__).resolve().parents[1]

INIT = """\
#!/usr/bin/bash
export PATH=/usr/bin:/usr/sbin:/bin:/sbin HOME=/root PYTHONDONTWRITEBYTECODE=1
mount -t proc none /proc && mount -t sysfs none /sys && mount -t devtmpfs none /dev
mount -t tmpfs none /run && mount -t tmpfs none /tmp
exec </dev/null >/dev/ttyS0 2>&1
echo "hg-booted"
ip link set lo up
modprobe -a nf_tables veth bridge
python3 /tests/kernels/inside.py
echo "hg-ended"
echo o >/proc/sysrq-trigger
sleep 60
"""


class Image:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        shutil.rmtree(self.root, ignore_errors=True)
        for folder in "proc sys dev run tmp root etc usr/bin usr/sbin usr/lib usr/lib64".split():
            (self.root / folder).mkdir(parents=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            (self.root / name).symlink_to(f"usr/{name}")
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        (self.root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/bash\n")
        (self.root / "etc/group").write_text("root:x:0:\n")

    def add(self, path, to=None):
        """A file, at the same place or `to`, with the libraries that it loads."""
        path = pathlib.Path(path)
        real = path.resolve()
        target = self.root / str(to or path).lstrip("/")
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(real, target)
        self.add_libraries_of(real)

    def add_libraries_of(self, path):
        listed = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            self.add(library)

    def add_userland(self, binary):
        for name in PROGRAMS:
            found = "/usr/bin/python3" if name == "python3" else shutil.which(name)
            self.add(found, f"/usr/bin/{name}")
        (self.root / "usr/sbin/modprobe").symlink_to("../bin/kmod")
        self.add(binary, "/healthgate")
        library = pathlib.Path(os.path.realpath("/usr/bin/python3")).name  # python3.11
        unwanted = shutil.ignore_patterns("test", "idlelib", "tkinter", "ensurepip", "lib2to3", "config-*")
        shutil.copytree(f"/usr/lib/{library}", self.root / f"usr/lib/{library}", ignore=unwanted, symlinks=False,
                        ignore_dangling_symlinks=True)
        for extension in (self.root / f"usr/lib/{library}/lib-dynload").glob("*.so"):
            self.add_libraries_of(extension)
        site = pathlib.Path("/usr/lib/python3/dist-packages")
        for name in SITE:
            for path in (site / name, site / f"{name}.py"):
                if path.is_dir():
                    shutil.copytree(path, self.root / str(path).lstrip("/"))
                elif path.exists():
                    self.add(path)
        shutil.copytree(TESTS, self.root / "tests", ignore=shutil.ignore_patterns("results", "corpus", "__pycache__"))
        init = self.root / "init"
        init.write_text(INIT)
        init.chmod(0o755)

    def add_modules(self, unpacked, release):
        """The modules of the kernel package that lies unpacked there, in the place of another kernel's."""
        shutil.rmtree(self.root / "usr/lib/modules", ignore_errors=True)
        source, target = unpacked / "lib/modules" / release, self.root / "usr/lib/modules" / release
        for folder in MODULES:
            if (source / "kernel" / folder).is_dir():
                shutil.copytree(source / "kernel" / folder, target / "kernel" / folder)
        for name in DRIVERS:
            for module in (source / "kernel").rglob(f"{name}.ko*"):
                (target / module.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(module, target / module.relative_to(source))
        for module in (source / "kernel/crypto").glob("crc32c*"):
            (target / module.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(module, target / module.relative_to(source))
        for name in ("modules.builtin", "modules.order", "modules.builtin.modinfo"):
            shutil.copy2(source / name, target / name)
        subprocess.run(["depmod", "-b", self.root, release], check=True, capture_output=True)

    def pack(self, path):
        """As cpio: not compressed, for an emulated processor takes long to unpack."""
        with path.open("wb") as sink:
            names = subprocess.Popen(["find", ".", "-print0"], cwd=self.root, stdout=subprocess.PIPE)
            command = ["cpio", "--null", "--create", "--format=newc", "--quiet", "--owner=0:0"]
            subprocess.run(command, cwd=self.root, stdin=names.stdout, stdout=sink, check=True)
            names.wait()
