"""The image, built by packaging/container/Containerfile from Debian's files, and what podman runs of it.

    podman = Podman(root / "build/containers")
    podman.build(root, tree, binary)
    podman("run", "--detach", IMAGE, host=node)

Images and containers are in a store of their own, and every container uses the network namespace of a Host: podman's
default bridge would change the machine's own rules.
"""

import pathlib
import shutil
import subprocess
import tarfile

IMAGE = "localhost/healthgate"
BASE = "localhost/base"
TOOLS = ("podman", "buildah", "runc", "catatonit")

# What UBI micro has: a shell, the small programs, the C and C++ libraries.
BASE_PACKAGES = (
    "base-files bash coreutils libacl1 libattr1 libc-bin libc6 libgcc-s1 libgmp10 libpcre2-8-0 libselinux1 "
    "libstdc++6 libtinfo6 ncurses-base"
).split()

# cgroupfs: nobody's systemd need run. Limits: podman asks for more than a container with little privilege may have.
CONTAINERS_CONF = """[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


def missing():
    """Why no image can be built and run here, "" if one can."""
    absent = [tool for tool in TOOLS if not shutil.which(tool)]
    return f"no {', '.join(absent)}" if absent else ""


class Podman:
    def __init__(self, folder):
        """podman and buildah with the store `folder`; what a killed run left in it is removed, but for images."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "containers.conf"
        config.write_text(CONTAINERS_CONF)
        self.env = {"CONTAINERS_CONF": str(config), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder)}
        self.store = ["--root", folder / "store", "--runroot", folder / "run"]
        self.remove_containers()

    def __call__(self, *words, host=None, check=True, timeout=60, **options):
        """`podman WORDS`, in a Host's namespace; the CompletedProcess."""
        return self._run("podman", words, host, check, timeout, options)

    def _run(self, program, words, host, check, timeout, options):
        command = [program, *self.store, *words]
        if host:
            return host.run(*command, check=check, timeout=timeout, env=self.env, **options)
        command = [str(word) for word in command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=self.env, **options)
        assert not check or done.returncode == 0, f"{program} {words[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done

    def remove_containers(self):
        self("pod", "rm", "--all", "--force", "--time=0")
        self("rm", "--all", "--force", "--time=0")
        self("volume", "rm", "--all", "--force")

    def size(self, image):
        """Bytes of its files, those of its base included."""
        return int(self("image", "inspect", "--format={{.Size}}", image).stdout)

    def build(self, root, tree, binary):
        """Builds IMAGE by the Containerfile, with Debian's tree in place of the builder and BASE_PACKAGES as base."""
        builder = f"localhost/builder:{tree.name}"
        if self("image", "exists", builder, check=False).returncode != 0:
            self("image", "prune", "--all", "--force")
            self._import(builder, _archive(tree, ["."], self.folder / "builder.tar"))
        self._import(BASE, _archive(tree, _files_of(tree, BASE_PACKAGES), self.folder / "base.tar"))
        installed = _installed(binary, self.folder / "program")
        self._import("localhost/program", _archive(installed, ["."], self.folder / "program.tar"))
        arguments = {"BUILDER": builder, "BASE": BASE, "PROGRAM": "localhost/program"}
        options = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        options += ["--isolation=chroot", "--pull=never", f"--tag={IMAGE}"]
        file = root / "packaging/container/Containerfile"
        return self._run("buildah", ["bud", *options, "--file", file, root], None, True, 300, {})

    def _import(self, image, archive):
        self("import", "--quiet", archive, image, timeout=120)
        archive.unlink()


def _archive(tree, names, path):
    with tarfile.open(path, "w") as archive:
        for name in names:
            archive.add(tree / name, name, recursive=name == ".")
    return path


def _files_of(tree, packages):
    """The packages' files in a Debian tree, less documents, and the links of a merged /usr first."""
    listed = subprocess.run(["dpkg", f"--root={tree}", "-L", *packages], capture_output=True, text=True, check=True)
    links = ["bin", "lib", "lib64", "sbin"]
    names = {line.lstrip("/") for line in listed.stdout.splitlines() if line.startswith("/") and "/share/" not in line}
    merged = {f"usr/{name}" if name.split("/")[0] in links else name for name in names - {"", "."}}
    present = {name for name in merged if (tree / name).is_symlink() or (tree / name).exists()}
    return links + sorted((present | {"usr/bin/sh"}) - set(links))


def _installed(binary, folder):
    """What `cmake --install` makes of the build that `binary` belongs to, in FOLDER/program."""
    shutil.rmtree(folder, ignore_errors=True)
    command = ["cmake", "--install", str(pathlib.Path(binary).parents[1]), "--strip", "--prefix", "/usr"]
    env = {"DESTDIR": str(folder / "program"), "PATH": "/usr/bin:/bin"}
    subprocess.run(command, env=env, capture_output=True, check=True)
    return folder
