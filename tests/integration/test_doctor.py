"""`healthgate doctor`: each obstacle on the way is found, its own remedy removes it, and a clean host gets silence."""

import json
import os
import shutil

import pytest
from connect import connect, wait_for
from daemon import BINARY, Daemon
from firewalld import Firewalld
from netns import Net
from service import Service

PORT = 18898
NO_CAPABILITIES = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")


class Scene:
    """A load balancer, a node with a healthy service, and the daemon: one for all tests of this file."""

    def __init__(self, net):
        self.lb, self.node = net.host("lb"), net.host("node")
        self.service = Service(self.node, 1936)
        self.daemon = Daemon(self.node, allow=[self.lb.v4, self.lb.v6])
        self.sees("accepted")

    def sees(self, outcome):
        for address in (self.node.v4, self.node.v6):
            wait_for(self.lb, address, PORT, outcome)

    def doctor(self, *options, before=()):
        """What it finds beyond notes, and its exit code."""
        command = [*before, BINARY, "doctor", "--json", "-c", self.daemon.config_path, *options]
        done = self.node.run(*command, check=False)
        assert done.stderr == ""
        findings = json.loads(done.stdout)["findings"]
        return [one for one in findings if one["severity"] != "note"], done.returncode

    def only_finding(self, *options):
        findings, code = self.doctor(*options)
        assert len(findings) == 1, findings
        assert code == (2 if findings[0]["severity"] == "unknown" else 1)
        return findings[0]

    def remove_other_tables(self):
        for line in self.node.nft("list", "tables").splitlines():
            if line != "table inet healthgate":
                self.node.nft("delete", *line.split())


@pytest.fixture(scope="module")
def module_scene(tmp_path_factory):
    with Net(tmp_path_factory.mktemp("doctor")) as net:
        scene = Scene(net)
        yield scene
        scene.daemon.finish()


@pytest.fixture
def scene(module_scene):
    yield module_scene
    module_scene.remove_other_tables()
    module_scene.sees("accepted")


def chain(table, head, rules=""):
    return f"table {table} {{\n chain c {{\n type {head}\n {rules}\n }}\n}}\n"


def test_a_clean_host_gets_silence(scene):
    assert scene.doctor() == ([], 0)
    told = scene.node.run(BINARY, "doctor", "-c", scene.daemon.config_path).stdout
    assert told.endswith("nothing stands in the load balancer's way\n")
    assert "\033" not in told  # no terminal, no colours


def test_rules_of_others_that_let_the_load_balancer_pass_are_no_finding(scene):
    pass_ = f"ct state vmap {{ established : accept, invalid : drop }}\n tcp dport {{ 22, {PORT} }} accept"
    scene.node.nft(text=chain("inet strict", "filter hook input priority 0; policy drop;", f"{pass_}\n icmpv6 type "
                              "{ nd-neighbor-solicit, nd-neighbor-advert } accept\n iifname lo accept"))
    scene.node.nft(text=chain("inet out", "filter hook output priority 0; policy drop;",
                              "ct state established accept\n oifname lo accept\n icmpv6 type "
                              "{ nd-neighbor-solicit, nd-neighbor-advert } accept"))
    scene.sees("accepted")
    assert scene.doctor() == ([], 0)


COMMATRIX = """
table inet openshift_filter {
    set ports {
        type inet_service
        elements = { 22, 6443, 9100-9107, 10250 }
        flags interval
    }
    chain OPENSHIFT {
        type filter hook input priority 1; policy accept;
        iif lo accept
        ct state established,related accept
        ct state invalid drop
        meta l4proto { icmp, ipv6-icmp } accept
        tcp dport @ports accept
        udp dport { 111, 500, 4500, 6081 } accept
        log prefix "firewall " drop
    }
}
"""

LOCAL = "iifname lo accept\n meta l4proto ipv6-icmp accept\n"
OBSTACLES = {
    "commatrix": (COMMATRIX, "nft insert rule inet openshift_filter OPENSHIFT "),
    "policy-drop": (chain("inet host", "filter hook input priority 0; policy drop;", LOCAL), "nft insert rule inet host c "),
    "reject-after-ours": (
        chain("inet late", "filter hook input priority 100;", LOCAL + "tcp dport 1024-65535 reject"),
        "nft insert rule inet late c ",
    ),
    "raw-prerouting": (
        chain("inet early", "filter hook prerouting priority -300;", f"tcp dport {PORT} drop"),
        "nft insert rule inet early c ",
    ),
    "mangle": (
        chain("inet mangle2", "filter hook prerouting priority -150;", f"iifname eth0 tcp dport {PORT} counter drop"),
        "nft insert rule inet mangle2 c ",
    ),
    "netdev-ingress": (
        chain("netdev edge", "filter hook ingress device eth0 priority 0;", f"tcp dport {PORT} drop"),
        "nft insert rule netdev edge c ",
    ),
    "redirect": (
        chain("inet nat2", "nat hook prerouting priority -100;", f"tcp dport {PORT} redirect to :1"),
        "nft insert rule inet nat2 c ",
    ),
    "answers": (
        chain("inet out", "filter hook output priority 0;", f"tcp sport {PORT} drop"),
        "nft insert rule inet out c tcp sport ",
    ),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_what_others_do_in_nf_tables_is_found_and_mended(scene, name):
    text, remedy = OBSTACLES[name]
    scene.node.nft(text=text)
    assert connect(scene.lb, scene.node.v4, PORT).outcome != "accepted"
    finding = scene.only_finding()
    assert (finding["severity"], finding["check"], finding["gate"]) == ("error", "firewall", "router")
    assert scene.lb.v4 in finding["what"] and scene.lb.v6 in finding["what"]
    assert finding["remedy"].startswith(remedy)
    scene.node.run("sh", "-c", finding["remedy"])
    scene.sees("accepted")
    assert scene.doctor() == ([], 0)


@pytest.mark.parametrize("program, family", [("iptables", "v4"), ("ip6tables", "v6")])
def test_what_iptables_does_is_found_and_mended(scene, program, family):
    nft_variant = shutil.which(f"{program}-nft")
    assert nft_variant, f"{program}-nft is not installed"
    for rule in ("-m conntrack --ctstate ESTABLISHED -j ACCEPT", "-p ipv6-icmp -j ACCEPT", "-p tcp -j DROP"):
        scene.node.run(nft_variant, "-A", "INPUT", *rule.split())
    address = getattr(scene.node, family)
    assert connect(scene.lb, address, PORT).outcome == "silent"
    finding = scene.only_finding()
    assert finding["remedy"] == f"{program} -I INPUT -p tcp --dport {PORT} -j ACCEPT"
    scene.node.run(nft_variant, *finding["remedy"].split()[1:])
    scene.sees("accepted")
    assert scene.doctor() == ([], 0)


def test_firewalld_is_found_and_mended_by_its_own_command(net):
    scene = Scene(net)
    firewalld = Firewalld(scene.node)
    assert connect(scene.lb, scene.node.v4, PORT).outcome == "EHOSTUNREACH"
    finding = scene.only_finding()
    assert finding["remedy"] == (
        f"firewall-cmd --permanent --zone=public --add-port={PORT}/tcp && firewall-cmd --reload"
    )
    firewalld.shell(finding["remedy"])
    scene.sees("accepted")
    assert scene.doctor() == ([], 0)
    firewalld.process.stop()
    scene.daemon.finish()


def test_only_the_part_of_a_block_that_is_dropped_is_named(scene):
    scene.node.nft(text=chain("inet part", "filter hook input priority 0;", "ip saddr 10.77.0.128/25 drop"))
    assert scene.doctor() == ([], 0)  # not the load balancer
    findings, _ = scene.doctor("--gate.router.allow=10.77.0.0/24")
    drops = [one["what"] for one in findings if one["check"] == "firewall"]
    assert drops == [f"SYNs from 10.77.0.128 (of 10.77.0.0/24) to port {PORT} are dropped by table inet part"]


def test_what_rules_do_not_tell_is_said(scene):
    scene.node.nft(text=chain("inet chance", "filter hook input priority 0;", f"tcp dport {PORT} meta cpu 4711 drop"))
    finding = scene.only_finding()
    assert finding["severity"] == "unknown"
    assert finding["what"].endswith("cannot be told: it depends on meta cpu")


def test_a_strict_reverse_path_is_found_and_mended(scene):
    node = scene.node
    node.run("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "eth1p")
    try:
        for line in ("link set eth1 up", "link set eth1p up", "address add 10.78.0.2/24 dev eth1",
                     f"route add {scene.lb.v4}/32 dev eth1"):
            node.run("ip", *line.split())
        assert scene.doctor() == ([], 0)
        node.sysctl("net.ipv4.conf.eth0.rp_filter", 1)
        before = scene.daemon.gate()["accepted"]
        connect(scene.lb, node.v4, PORT)
        assert scene.daemon.gate()["accepted"] == before
        finding = scene.only_finding()
        assert (finding["severity"], finding["check"]) == ("error", "route")
        node.run("sh", "-c", finding["remedy"])
        connect(scene.lb, node.v4, PORT)
        assert scene.daemon.gate()["accepted"] > before
        assert scene.doctor() == ([], 0)
    finally:
        node.run("ip", "link", "delete", "eth1")


@pytest.mark.parametrize("source, gateway", [("192.0.2.10", "v4"), ("2001:db8::10", "v6")])
def test_a_source_without_a_route_back_is_found_and_mended(scene, source, gateway):
    def of_routes():
        findings, _ = scene.doctor(f"--gate.router.allow={source}")  # not what the daemon was configured with
        assert "table" in [one["check"] for one in findings]
        return [one for one in findings if one["check"] == "route"]

    (finding,) = of_routes()
    assert source in finding["what"] and "unreachable" in finding["evidence"]
    remedy = finding["remedy"].replace("GATEWAY", getattr(scene.lb, gateway))
    scene.node.run("sh", "-c", remedy)
    assert of_routes() == []
    scene.node.run("sh", "-c", remedy.replace(" add ", " delete "))


def test_somebody_who_is_denied_is_named(net):
    scene = Scene(net)
    scene.lb.add_address("10.77.0.99/24")
    assert connect(scene.lb, scene.node.v4, PORT, source="10.77.0.99").outcome == "silent"
    finding = scene.only_finding()
    assert finding["check"] == "asker" and finding["evidence"].startswith("10.77.0.99 (")
    scene.daemon.finish()


def test_a_saved_ruleset_with_our_table_is_found(net, tmp_path):
    node = net.host("node")
    saved = tmp_path / "nftables.conf"
    saved.write_text("flush ruleset\n\ntable inet healthgate {\n}\n")
    script = f"mount --bind {saved} /etc/nftables.conf && exec {BINARY} doctor --json --control {tmp_path}/none"
    done = node.run("unshare", "-m", "sh", "-c", script, check=False)
    findings = json.loads(done.stdout)["findings"]
    (finding,) = [one for one in findings if one["check"] == "saved-ruleset"]
    assert finding["evidence"] == "/etc/nftables.conf:3: table inet healthgate {"


def test_a_user_who_may_not_ask_the_daemon_is_told_so(scene):
    os.chown(scene.daemon.control, 65534, 65534)
    os.chmod(scene.daemon.control, 0o600)
    try:
        findings, code = scene.doctor(before=NO_CAPABILITIES)
    finally:
        os.chown(scene.daemon.control, 0, 0)
    assert {(one["severity"], one["check"]) for one in findings} == {
        ("unknown", "privilege"), ("unknown", "daemon"), ("unknown", "port")
    }
    assert code == 2


def test_without_a_daemon_port_holder_and_daemon_are_told(net):
    node = net.host("node")
    Service(node, PORT)
    done = node.run(BINARY, "doctor", "--json", "--control", net.directory / "none", check=False)
    checks = {one["check"]: one for one in json.loads(done.stdout)["findings"]}
    assert "is held by python3" in checks["port"]["what"] and checks["port"]["severity"] == "error"
    assert "does not run" in checks["daemon"]["what"]
    assert "nobody but this host" in checks["allow"]["what"]
    assert "kernel" not in checks  # tried in a namespace of its own, and granted
    assert node.nft("list", "ruleset") == ""
    assert done.returncode == 1


def test_a_user_without_privilege_is_told_what_was_not_seen(scene):
    findings, code = scene.doctor(before=NO_CAPABILITIES)
    assert [(one["severity"], one["check"]) for one in findings] == [("unknown", "privilege")]
    assert findings[0]["remedy"] == "sudo healthgate doctor"
    assert code == 2
