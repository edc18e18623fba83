"""The RPMs: built from this work tree with the unit tests in %check, complete, and as rpmlint wants them."""

import re
import shutil
import subprocess

import pytest

FILES = {
    "/etc/healthgate",
    "/etc/healthgate/conf.d",
    "/etc/healthgate/healthgate.conf",
    "/usr/bin/healthgate",
    "/usr/lib/firewalld",
    "/usr/lib/firewalld/services",
    "/usr/lib/firewalld/services/healthgate.xml",
    "/usr/lib/systemd/system-preset/90-healthgate.preset",
    "/usr/lib/systemd/system/healthgate.service",
    "/usr/lib/sysusers.d/healthgate.conf",
    "/usr/lib/tmpfiles.d/healthgate.conf",
    "/usr/share/bash-completion/completions/healthgate",
    "/usr/share/man/man5/healthgate.conf.5",
    "/usr/share/man/man7/healthgate-nft.7",
    "/usr/share/man/man8/healthgate.8",
    "/var/lib/healthgate",
}


def query(package, *options):
    done = subprocess.run(["rpm", "-q", *options, "-p", package], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def package(rpms):
    return rpms.folder / rpms.first


def test_the_package_holds_what_belongs_in_it_and_nothing_else(package):
    documents = ("/usr/share/doc/", "/usr/share/licenses/", "/usr/lib/.build-id", "/usr/share/doc")
    files = {path.removesuffix(".gz") for path in query(package, "-l") if not path.startswith(documents)}
    assert files == FILES


def test_only_the_configuration_is_configuration_and_it_is_not_replaced(package):
    assert query(package, "--configfiles") == ["/etc/healthgate/healthgate.conf"]
    [line] = [line for line in query(package, "--dump") if line.startswith("/etc/healthgate/healthgate.conf ")]
    assert line.split()[7] == "1"  # isconfig
    flags = query(package, "--qf", "[%{FILENAMES} %{FILEFLAGS:fflags}\n]")
    assert "/etc/healthgate/healthgate.conf cn" in flags


def test_the_version_is_cmakes(root, package):
    version = re.search(r"^project\(healthgate VERSION ([\d.]+)", (root / "CMakeLists.txt").read_text(), re.M).group(1)
    assert query(package, "--qf", "%{VERSION}") == [version]
    for place in ("packaging/rpm/healthgate.spec", "packaging/rpm/build", "packaging/systemd/healthgate.service"):
        assert version not in (root / place).read_text(), place


def test_the_unit_tests_ran_in_check(rpms):
    passed = re.search(r"^100% tests passed, 0 tests failed out of (\d+)", rpms.log, re.M)
    assert passed, rpms.log[-3000:]
    assert int(passed.group(1)) > 100


def test_debuginfo_and_policy_are_packages_of_their_own(rpms):
    names = {path.name.rsplit("-", 2)[0] for path in rpms.top.glob("RPMS/*/*.rpm")}
    assert names - {"healthgate-debugsource"} == {"healthgate", "healthgate-debuginfo", "healthgate-selinux"}
    [policy] = rpms.top.glob("RPMS/noarch/healthgate-selinux-*-1.*.rpm")
    assert "/usr/share/selinux/packages/healthgate.pp.bz2" in query(policy, "-l")


def test_the_program_is_stripped_and_hardened(rpms, package, tmp_path):
    archive = subprocess.run(["rpm2cpio", package], capture_output=True, check=True).stdout
    subprocess.run(["cpio", "-idm", "--quiet", "./usr/bin/healthgate"], input=archive, cwd=tmp_path, check=True)
    program = tmp_path / "usr/bin/healthgate"
    sections = subprocess.run(["readelf", "-SW", program], capture_output=True, text=True, check=True).stdout
    assert ".debug_info" not in sections
    header = subprocess.run(["readelf", "-hldW", program], capture_output=True, text=True, check=True).stdout
    assert re.search(r"Type:\s+DYN", header)  # position independent
    assert "GNU_RELRO" in header and "BIND_NOW" in header
    assert re.search(r"GNU_STACK.* RW ", header)


def test_the_user_is_made_as_sysusers_would_make_it(root, package):
    lines = (root / "packaging/systemd/healthgate.sysusers").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("u")]
    assert f"--inline '{' '.join(line.split())}'" in " ".join("\n".join(query(package, "--scripts")).split())


def test_no_scriptlet_stops_a_gate_on_an_upgrade(package):
    scripts = "\n".join(query(package, "--scripts"))
    stops = re.findall(r"disable --now|systemctl stop|nft delete", scripts)
    assert stops == ["disable --now", "nft delete"]
    before = scripts.split("disable --now")[0].splitlines()[-2:]
    assert any("[ $1 -eq 0 ]" in line for line in before)  # removal, not upgrade
    assert "[ $1 -eq 0 ]" in scripts.split("nft delete")[0].split("postuninstall")[1]


def test_rpmlint_has_nothing_to_say(root, rpms):
    if not shutil.which("rpmlint"):
        pytest.skip("no rpmlint")
    packages = [*rpms.top.glob("RPMS/*/healthgate*-1.*.rpm"), *rpms.top.glob("SRPMS/*-1.src.rpm")]
    command = ["rpmlint", "-c", root / "packaging/rpm/rpmlint.toml", rpms.top / "SPECS/healthgate.spec", *packages]
    done = subprocess.run(command, capture_output=True, text=True)
    said = [line for line in done.stdout.splitlines() if re.search(r": [EWI]: ", line)]
    assert said == []
    assert "0 errors, 0 warnings" in done.stdout
