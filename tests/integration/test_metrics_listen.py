"""metrics-listen as a server: a held port, idle clients, a token that changes, a thread that stands still."""

import http.client
import time

import pytest
from connect import wait_for
from process import wait_until
from stuck import standing_still

PORT = 18898
HTTP = 18899


def fetch(host, path, headers=None, method="GET"):
    """One request from `host`; the answer, with its body as `text`."""
    with host.inside():
        connection = http.client.HTTPConnection("127.0.0.1", HTTP, timeout=5)
        connection.connect()
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        return answer
    finally:
        connection.close()


def served(host):
    """Waits until /livez answers: the port is bound after the control socket."""

    def answers():
        try:
            return fetch(host, "/livez")
        except OSError:
            return None

    return wait_until(answers, 5, "metrics-listen answers")


def sample(text, name):
    return next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name + " "))


def test_other_paths_and_methods_are_told_what_there_is(node, service, start_daemon):
    start_daemon()
    served(node)
    missing = fetch(node, "/metric")
    assert (missing.status, missing.text) == (404, "there is /, /metrics, /status, /livez and /readyz\n")
    posted = fetch(node, "/status", method="POST")
    assert (posted.status, posted.getheader("Allow")) == (405, "GET, HEAD")
    head = fetch(node, "/metrics", method="HEAD")
    assert (head.status, head.text) == (200, "")
    assert int(head.getheader("Content-Length")) > 1000


@pytest.mark.timing
def test_idle_clients_neither_delay_a_verdict_nor_keep_a_scraper_out(lb, node, service, start_daemon):
    start_daemon(keys={"interval": "200ms", "timeout": "100ms", "fall": 1})
    wait_for(lb, node.v4, PORT, "accepted")
    served(node)
    idle = []
    try:
        with node.inside():
            for _ in range(100):
                connection = http.client.HTTPConnection("127.0.0.1", HTTP, timeout=5)
                connection.connect()
                connection.sock.sendall(b"GET /metrics HTTP/1.1\r\n")  # and never the rest
                idle.append(connection)
        assert fetch(node, "/metrics").status == 200
        service.mode("500")
        begin = time.monotonic()
        wait_for(lb, node.v4, PORT, "refused")
        assert time.monotonic() - begin < 0.6  # one interval, and a probe
    finally:
        for connection in idle:
            connection.close()


def test_a_port_that_is_held_is_named_and_served_when_free(node, service, start_daemon):
    holder = node.start("socat", f"TCP-LISTEN:{HTTP},bind=127.0.0.1,reuseaddr,fork", "EXEC:true")
    wait_until(lambda: str(HTTP) in node.run("ss", "-Hltn").stdout, 5, "socat listens")
    daemon = start_daemon()
    daemon.wait_log(r"metrics-listen = 127\.0\.0\.1:18899: bind: Address already in use; held by socat")
    daemon.wait_gate("open")
    holder.stop()
    assert served(node).status == 200


def test_livez_is_red_while_the_deciding_thread_stands_still_in_its_wait(node, service, start_daemon):
    daemon = start_daemon()
    daemon.wait_gate("open")
    assert served(node).status == 200
    fetch(node, "/metrics")
    with standing_still(daemon.process.pid):
        wait_until(lambda: fetch(node, "/livez").status != 200, 8, "/livez is red", 0.1)
        red = fetch(node, "/livez")
        assert red.status == 503
        assert red.text.startswith("the deciding thread has made no progress for 5")
        assert fetch(node, "/readyz").status == 503
        told = fetch(node, "/metrics").text
        assert sample(told, 'healthgate_gate_open{gate="router"}') == 0  # the lease of 3 s has run out
        assert sample(told, "healthgate_loop_stalled_seconds") >= 5
    wait_until(lambda: fetch(node, "/livez").status == 200, 5, "green again")


def test_a_new_token_holds_without_a_command(node, service, start_daemon, tmp_path):
    token = tmp_path / "token"
    token.write_text("old\n")
    start_daemon(globals_={"metrics-token-file": token})
    served(node)
    old, new = {"Authorization": "Bearer old"}, {"Authorization": "Bearer new"}
    assert fetch(node, "/status", headers=old).status == 200
    token.write_text("new\n")
    wait_until(lambda: fetch(node, "/status", headers=new).status == 200, 5, "the new token holds")
    assert fetch(node, "/status", headers=old).status == 401
