"""A real Prometheus scrapes a real daemon, in clear text and over TLS with a token; alerts and dashboard work on it."""

import json
import pathlib
import re
import time
import urllib.parse
import urllib.request

import pytest
from certificates import Authority
from connect import connect, wait_for
from daemon import gate_config
from process import wait_until

ROOT = pathlib.Path(__file__).parents[2]
PORT, METRICS, PROMETHEUS = 18898, 18899, 9090
SCRAPE = """\
global: {{ scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s }}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: healthgate
    {access}
    static_configs: [{{ targets: ["{target}"] }}]
"""


class Prometheus:
    def __init__(self, host, directory, target, access=""):
        self.host, rules = host, ROOT / "deploy/prometheus/healthgate.rules.yml"
        config = directory / "prometheus.yml"
        config.write_text(SCRAPE.format(rules=rules, access=access, target=target))
        host.start(
            "prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{PROMETHEUS}", "--log.level=warn",
        )  # fmt: skip
        wait_until(self._ready, 20, "Prometheus answers", 0.1)

    def _ready(self):
        try:
            return self.get("/api/v1/status/buildinfo")
        except OSError:
            return None

    def get(self, path, **query):
        url = f"http://127.0.0.1:{PROMETHEUS}{path}?{urllib.parse.urlencode(query)}"
        with self.host.inside(), urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)["data"]

    def ask(self, query):
        return self.get("/api/v1/query", query=query)["result"]

    def ask_lately(self, query):
        """As a panel asks: for every second of the last fifteen."""
        now = time.time()
        return self.get("/api/v1/query_range", query=query, start=now - 15, end=now, step=1)["result"]

    def value(self, query):
        found = self.ask(query)
        return float(found[0]["value"][1]) if found else None


@pytest.fixture
def scraped(lb, node, service, start_daemon, tmp_path):
    text = gate_config("router", allow=[lb.v4], interval="200ms", timeout="150ms", guard="reset", guard_ports=80)
    daemon = start_daemon(text)
    wait_for(lb, node.v4, PORT, "accepted")
    return daemon, Prometheus(node, tmp_path, f"127.0.0.1:{METRICS}")


def test_it_is_scraped_and_its_alerts_are_loaded(lb, node, service, scraped):
    _, prometheus = scraped
    wait_until(lambda: prometheus.value("up") == 1, 10, "a scrape", 0.2)
    assert prometheus.value('healthgate_gate_open{gate="router"}') == 1
    service.mode("500")
    wait_until(lambda: prometheus.value('healthgate_gate_open{gate="router"}') == 0, 10, "the closed gate", 0.2)
    rules = [rule for group in prometheus.get("/api/v1/rules")["groups"] for rule in group["rules"]]
    assert len(rules) >= 13 and {rule["health"] for rule in rules} <= {"ok", "unknown"}
    firing = 'ALERTS{alertname="HealthgateClosed",alertstate="pending"}'
    wait_until(lambda: prometheus.ask(firing), 10, "the pending alert", 0.2)


def lately(name, kind):
    """Asks for a series that may have ended: a drained gate has no margin of its lease."""
    return f"last_over_time({name}{'_count' if kind == 'histogram' else ''}[1m])"


def test_every_documented_metric_can_be_asked_for(lb, node, scraped):
    daemon, prometheus = scraped
    wait_until(lambda: prometheus.value("healthgate_lease_margin_seconds"), 10, "a scrape", 0.2)
    daemon.command("drain", "router")
    connect(lb, node.v4, PORT)
    table = (ROOT / "src/observe/README.md").read_text()
    names = re.findall(r"^\| `(\w+)` \| (\w+) \|", table, re.MULTILINE)
    wait_until(lambda: prometheus.value('healthgate_override_active{kind="drain"}') == 1, 10, "a scrape", 0.2)
    only_sometimes = {"healthgate_peer_healthy"}  # with guard = relay
    missing = [name for name, kind in names if not prometheus.ask(lately(name, kind))]
    assert set(missing) <= only_sometimes, missing


def test_over_tls_with_a_token(net, lb, node, service, start_daemon, tmp_path):
    authority, token = Authority(tmp_path), tmp_path / "token"
    token.write_text("a-secret\n")
    pem = authority.issue("node")
    globals_ = {"metrics-listen": f"0.0.0.0:{METRICS}", "metrics-allow": lb.v4, "metrics-cert": pem}
    start_daemon(globals_=globals_ | {"metrics-key": pem, "metrics-token-file": token})
    access = "\n    ".join((
        "scheme: https", f'authorization: {{ credentials_file: "{token}" }}',
        f'tls_config: {{ ca_file: "{authority.path}", server_name: "{SERVER_NAME}" }}',
    ))  # fmt: skip
    prometheus = Prometheus(lb, tmp_path, f"{node.v4}:{METRICS}", access)
    wait_until(lambda: prometheus.value("up") == 1, 10, "a scrape over TLS", 0.2)
    assert prometheus.value("healthgate_gate_open") is not None


SERVER_NAME = "localhost"


def queries(dashboard):
    """(panel, expression) for all that the dashboard asks, with its variables set."""
    found = [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel["targets"]]
    found += [(one["name"], one["expr"]) for one in dashboard["annotations"]["list"]]
    values = {"$job": "healthgate", "$instance": ".+", "$gate": ".+", "$__rate_interval": "10s"}
    for title, expression in found:
        for name, value in values.items():
            expression = expression.replace(name, value)
        assert "$" not in expression, f"{title}: an unknown variable"
        yield title, expression


def test_the_dashboard_asks_for_what_is_there(lb, node, service, scraped):
    daemon, prometheus = scraped
    for mode in ("500", "200"):  # a transition, a failure, a guard that does not stand
        service.mode(mode)
        daemon.wait_gate("closed" if mode == "500" else "open")
        connect(lb, node.v4, PORT)
    seen = ('sum(healthgate_transitions_total{to="open"}) >= 2', "count_over_time(healthgate_gate_open[10s]) >= 4")
    wait_until(lambda: all(prometheus.ask(query) for query in seen), 15, "scrapes", 0.2)
    dashboard = json.loads((ROOT / "deploy/grafana/healthgate.json").read_text())
    empty = [title for title, expression in queries(dashboard) if not prometheus.ask_lately(expression)]
    assert set(empty) <= {"transitions"}, empty  # the annotation: a moment that may lie between two scrapes
