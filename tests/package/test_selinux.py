"""The SELinux module: compiled against the reference policy, and labels for every place that the daemon uses."""

import pathlib
import re
import shutil
import subprocess

import pytest

DEVEL = pathlib.Path("/usr/share/selinux/devel")
PLACES = {
    "/usr/bin/healthgate": "healthgate_exec_t",
    "/etc/healthgate": "healthgate_conf_t",
    "/etc/healthgate/conf.d/lb.conf": "healthgate_conf_t",
    "/usr/lib/systemd/system/healthgate.service": "healthgate_unit_file_t",
    "/run/healthgate/control.sock": "healthgate_runtime_t",
    "/var/lib/healthgate/history": "healthgate_var_lib_t",
}


@pytest.fixture(scope="module")
def policy(root):
    return root / "packaging/selinux"


def compiled(folder):
    command = ["make", "-C", folder, "-f", DEVEL / "Makefile", "healthgate.pp"]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)


@pytest.fixture
def module(policy, tmp_path):
    if not (DEVEL / "Makefile").exists() or not shutil.which("checkmodule"):
        pytest.skip("no selinux-policy-dev")
    for file in policy.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path


def test_the_module_compiles_without_a_warning(module):
    done = compiled(module)
    assert done.returncode == 0 and not re.search(r"warning|error", done.stdout, re.I), done.stdout
    assert (module / "healthgate.pp").stat().st_size > 1000


def test_a_type_that_no_policy_has_is_refused(module):
    source = module / "healthgate.te"
    source.write_text(source.read_text() + "\nallow healthgate_t no_such_t:file read;\n")
    assert compiled(module).returncode != 0


def test_every_place_of_the_daemon_has_its_label(policy):
    rows = [line.split() for line in (policy / "healthgate.fc").read_text().splitlines() if line.startswith("/")]
    for place, label in PLACES.items():
        labels = [row[-1] for row in rows if re.fullmatch(row[0], place)]
        assert len(labels) == 1 and f":{label}," in labels[0], place


def test_the_package_labels_the_default_ports(root, policy):
    assert re.search(r"^type healthgate_port_t;", (policy / "healthgate.te").read_text(), re.M)
    spec = (root / "packaging/rpm/healthgate.spec").read_text()
    ports = dict(re.findall(r"semanage port -([ad]) -t healthgate_port_t -p tcp (\S+)", spec))
    assert ports == {"a": "18898-18899", "d": "18898-18899"}  # added, and deleted with the package
