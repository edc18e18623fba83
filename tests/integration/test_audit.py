"""`healthgate audit`: finds what others did to the table, shows it in nft syntax, and never claims what it cannot know."""

import json
import re

import pytest
from connect import wait_for
from daemon import BINARY, gate_config

PORT = 18898


class Audited:
    """A host with the table as `render` prints it, and no daemon."""

    def __init__(self, node, directory, state):
        self.node = node
        self.config = directory / "healthgate.conf"
        self.config.write_text(gate_config(allow=["10.77.0.1", "fd77::/64"]))
        node.nft(text=node.run(BINARY, "render", "-c", self.config, "--state", state).stdout)

    def audit(self, *words, prefix=()):
        return self.node.run(*prefix, BINARY, "audit", "-c", self.config, *words, check=False)

    def handle(self, chain, words):
        """The handle of the rule that has these words."""
        listed = self.node.nft("-a", "list", "chain", "inet", "healthgate", chain)
        return re.search(rf"^.*{re.escape(words)}.*# handle (\d+)$", listed, re.M).group(1)


@pytest.fixture(params=["closed", "open"])
def audited(node, tmp_path, request):
    return Audited(node, tmp_path, request.param)


# What was done, by nft commands, {NAME WORDS} a rule's handle; and what the diff must name.
DRIFT = {
    "the table deleted": ("delete table inet healthgate", "- table inet healthgate"),
    "everything flushed": ("flush ruleset", "- table inet healthgate"),
    "the table made dormant": ("add table inet healthgate { flags dormant; }", "+ flags dormant"),
    "an accept in front": ("insert rule inet healthgate router_gate accept", "+ \t\taccept"),
    "an accept for one network": ("insert rule inet healthgate router ip saddr 10.0.0.0/8 accept", "+ \t\tip saddr 10.0.0.0/8 accept"),
    "a rule behind the others": ("add rule inet healthgate input tcp dport 22 drop", "+ \t\ttcp dport 22 drop"),
    "a rule deleted": ("delete rule inet healthgate router handle {router:ip saddr @router_allow4 goto}", "- \t\tip saddr @router_allow4 goto"),
    "the denial deleted": ("delete rule inet healthgate router handle {router:drop}", '- \t\tcounter name "router_denied" drop'),
    "a denial softened": (
        'replace rule inet healthgate router handle {router:drop} counter name "router_denied" accept',
        '+ \t\tcounter name "router_denied" accept',
    ),
    "another counter": (
        'replace rule inet healthgate router handle {router:drop} counter name "router_rejected" drop',
        '+ \t\tcounter name "router_rejected" drop',
    ),
    "a chain flushed": ("flush chain inet healthgate router_gate", "@@ chain router_gate @@"),
    "the pulse flushed": ("flush chain inet healthgate pulse", "@@ chain pulse @@"),
    "a pulse rule deleted": ("delete rule inet healthgate pulse handle {pulse:revoke what is not leased}", "revoke what is not leased"),
    "the base chain's policy": ("chain inet healthgate input {{ policy drop; }}", "policy drop"),
    "a chain added": ("add chain inet healthgate backdoor", "@@ chain backdoor @@"),
    "a base chain added": (
        "add chain inet healthgate early {{ type filter hook input priority -300; policy drop; }}",
        "+ \tchain early",
    ),
    "a set added": ("add set inet healthgate friends {{ type ipv4_addr; }}", "@@ set friends @@"),
    "a counter added": ("add counter inet healthgate mine", "@@ counter mine @@"),
    "a stranger allowed": ("add element inet healthgate router_allow4 {{ 10.77.0.66 }}", "+ 10.77.0.66"),
    "the balancer taken out": ("delete element inet healthgate router_allow4 {{ 10.77.0.1 }}", "- 10.77.0.1"),
    "all of IPv6 allowed": ("add element inet healthgate router_allow6 {{ fd78::/16 }}", "+ fd78::/16"),
    "the port taken out": ("delete element inet healthgate gates {{ 18898 }}", "- \t\telements = {"),
    "the port past the gate": (
        "delete element inet healthgate gates {{ 18898 }}; add element inet healthgate gates {{ 18898 : accept }}",
        "18898 : accept",
    ),
    "a port that may be renewed": ("add element inet healthgate ports {{ 80 }}", "80"),
    "a lease for an hour": ("add element inet healthgate lease {{ 18898 timeout 1h }}", "@@ elements of lease @@"),
    "metrics for everyone": ("add element inet healthgate metrics_allow4 {{ 0.0.0.0/0 }}", "+ 0.0.0.0/0"),
}


@pytest.mark.parametrize("kind", DRIFT)
def test_drift_is_found_and_shown(audited, kind):
    same = audited.audit()
    assert (same.returncode, same.stdout) == (0, "the kernel's table is as configured\n"), same.stderr
    command, shown = DRIFT[kind]
    handles = re.sub(r"\{(\w+):([^}]*)\}", lambda rule: audited.handle(*rule.groups()), command)
    audited.node.nft(text=handles.replace("{{", "{").replace("}}", "}") + "\n")
    found = audited.audit()
    assert found.returncode == 1, found.stdout
    assert found.stdout.startswith("--- configured\n+++ in the kernel\n@@ ")
    assert shown in found.stdout, found.stdout
    report = json.loads(audited.audit("--json").stdout)
    assert report["verdict"] == "drift" and report["differences"][0]["where"]


def test_a_running_daemons_table_is_the_same_in_every_state(lb, node, service, start_daemon):
    daemon = start_daemon(globals_={"metrics-allow": "10.0.0.0/8"}, keys={"lease": "2500ms", "agent-listen": "0.0.0.0:18880"})

    def audit():
        done = daemon.command("audit", "-c", daemon.config_path, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    wait_for(lb, node.v4, PORT, "accepted")
    audit()
    service.mode("500")
    wait_for(lb, node.v4, PORT, "refused")
    audit()
    daemon.command("drain", "router", "--reason", 'a "quote"')
    audit()
    assert daemon.command("audit", "-c", daemon.config_path, "--gate.router.port=18897", check=False).returncode == 1


def test_who_may_not_read_the_kernel_is_told_so(audited, tmp_path):
    for directory in (tmp_path, *tmp_path.parents):
        if "pytest" in str(directory):
            directory.chmod(0o755)
    unprivileged = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all")
    told = audited.audit(prefix=unprivileged)
    assert told.returncode == 2 and told.stdout == ""
    assert told.stderr.startswith("healthgate audit: cannot tell: ") and "not permitted" in told.stderr
    assert told.stderr.count("\n") == 1
    report = json.loads(audited.audit("--json", prefix=unprivileged).stdout)
    assert report["verdict"] == "unknown" and "not permitted" in report["why"]


def test_a_bad_configuration_leaves_nothing_to_compare_with(audited):
    audited.config.write_text("[gate.router]\nport = 99999\n")
    told = audited.audit()
    assert told.returncode == 2 and "port = 99999" in told.stderr
