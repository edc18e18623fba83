"""deploy/load-balancers: what stands there is taken by the programs themselves, and the sums are right."""

import re
import shutil
import subprocess

import pytest

HEALTHGATE_WORST = 2.1  # seconds until a hanging service's gate is closed, with the defaults


@pytest.fixture(scope="module")
def page(root):
    return lambda name: (root / "deploy/load-balancers" / f"{name}.md").read_text()


def snippet(text, language):
    return re.search(rf"^```{language}\n(.*?)^```", text, re.M | re.S).group(1)


def need(program):
    if not shutil.which(program):
        pytest.skip(f"no {program}")


def check(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_haproxy_takes_its_file_without_a_warning(page, tmp_path):
    need("haproxy")
    config = tmp_path / "haproxy.cfg"
    config.write_text(snippet(page("haproxy"), "haproxy"))
    assert "warning" not in check("haproxy", "-c", "-f", config).lower()


def test_nginx_takes_its_file(page, tmp_path):
    need("nginx")
    config = tmp_path / "nginx.conf"
    config.write_text(snippet(page("nginx"), "nginx").replace("modules/", "/usr/lib/nginx/modules/"))
    check("nginx", "-t", "-c", config, "-p", tmp_path, "-g", f"pid {tmp_path}/nginx.pid; error_log stderr;")


def test_keepalived_takes_its_file(page, tmp_path):
    need("keepalived")
    config = tmp_path / "keepalived.conf"
    config.write_text(snippet(page("keepalived"), "keepalived"))
    check("keepalived", "--config-test", "--use-file", config)


def test_healthgate_takes_what_the_pages_want_of_it(page, tmp_path, binary):
    config = tmp_path / "healthgate.conf"
    config.write_text("[gate.router]\nport = 18898\nprobe = http://localhost:1936/healthz/ready\n")
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/guard.conf").write_text(snippet(page("nginx"), "ini"))
    check(binary, "check", "-c", config)


def in_seconds(value):
    return float(value[:-2]) / 1000 if value.endswith("ms") else float(value.rstrip("s"))


def test_haproxys_budget_is_the_sum_of_its_settings(page):
    text = page("haproxy")
    server = re.search(r"default-server check port 18898 (.*)", text).group(1).split()
    settings = dict(zip(server[::2], server[1::2]))
    seconds = {name: in_seconds(value) for name, value in settings.items()}
    own = seconds["inter"] + (seconds["fall"] - 1) * seconds["fastinter"]
    assert f"**{own:.1f} s**" in text
    assert f"**{own + HEALTHGATE_WORST:.1f} s**" in text


def test_keepaliveds_budget_is_the_sum_of_its_settings(page):
    text = page("keepalived")
    settings = ("delay_loop", "retry", "delay_before_retry")
    one = {name: float(re.search(rf"{name} (\d+)", text).group(1)) for name in settings}
    own = one["delay_loop"] + one["retry"] * one["delay_before_retry"]
    assert f"**{own:.0f} s**" in text
    assert f"**{own + HEALTHGATE_WORST:.1f} s**" in text


@pytest.mark.parametrize("name", ["f5", "haproxy", "nginx", "keepalived", "citrix", "aws-nlb"])
def test_every_page_names_the_gates_port_the_allowlist_and_a_budget(page, name):
    text = page(name)
    assert f"[{name}.md]({name}.md)" in page("README")
    assert "**Budget**" in text and "`allow`" in text
    assert "18898" in text
