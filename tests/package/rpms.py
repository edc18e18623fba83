"""The RPMs of this work tree, built by packaging/rpm/build: this version, and the same with a higher release."""

import os
import shutil
import subprocess
from dataclasses import dataclass

TOOLS = ("rpmbuild", "debugedit", "checkmodule")


@dataclass(frozen=True)
class Rpms:
    folder: object  # where the files are, a pathlib.Path
    first: str  # file names of the package `healthgate`, this release ...
    second: str  # ... and the next one
    log: str  # of rpmbuild, with the unit tests of %check
    top: object  # rpmbuild's %_topdir


def missing():
    """Why no RPM can be built here, "" if one can."""
    absent = [tool for tool in TOOLS if not shutil.which(tool)]
    return f"no {', '.join(absent)}" if absent else ""


def build(root):
    """Both releases into build/rpm. Compiles as tests/run does, with ccache: what that has built is not built again."""
    top = root / "build/rpm"
    for name in ("BUILD", "BUILDROOT", "RPMS", "SRPMS"):
        shutil.rmtree(top / name, ignore_errors=True)
    # rpmbuild sets LANG, which would be a part of every key.
    env = {"CCACHE_BASEDIR": str(root), "CCACHE_NOHASHDIR": "1", "CCACHE_SLOPPINESS": "locale"} | dict(os.environ)
    if shutil.which("ccache"):
        env["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
    werror = "ON" if os.environ.get("CI") == "true" else "OFF"  # the same command lines, for ccache
    common = [root / "packaging/rpm/build", "-o", top, "--define", f"healthgate_cmake -DHEALTHGATE_WERROR={werror}"]
    log = run([*common, "--noclean"], env)
    # The second one is packed from what the first has compiled.
    log_of_second = run([*common, "--define", "healthgate_release 2", "--noprep", "--nocheck"], env)
    folder = top / "RPMS/x86_64"
    [first] = folder.glob("healthgate-[0-9]*-1.*.rpm")
    [second] = folder.glob("healthgate-[0-9]*-2.*.rpm")
    return Rpms(folder, first.name, second.name, log + log_of_second, top)


def run(command, env):
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout
