"""The guard: new connections to the service's own ports are reset, or relayed to a peer, while the service is dead."""

import json
import re
import signal
import socket
import statistics
import time

import pytest
from connect import RESET_ON_CLOSE, connect, family_of, wait_for
from daemon import BINARY, Daemon, gate_config
from hammer import Hammer, count
from mortal import Mortal
from process import wait_until
from service import Service

PORT, WEB = 18898, 80
QUICK = {"interval": "200ms", "timeout": "150ms", "fast-interval": "20ms", "lease": "2s"}


@pytest.fixture
def web(node):
    """What the service gives its clients, on a port of its own; it lives on when the health endpoint dies."""
    return Service(node, WEB)


def guarded(lb, **keys):
    keys = QUICK | {"guard": "reset", "guard-ports": WEB} | keys
    return gate_config("router", allow=[lb.v4, lb.v6], **keys)


def guard_of(daemon):
    return daemon.gate()["guard"]


def by_config(daemon, command, *words):
    """A command that reads the configuration, and finds the control socket in it."""
    return daemon.host.run(BINARY, command, *words, "-c", daemon.config_path, check=False)


def audited(daemon):
    done = by_config(daemon, "audit")
    return done.returncode, done.stdout


def opened(start_daemon, lb, node, text):
    daemon = start_daemon(text)
    wait_for(lb, node.v4, PORT, "accepted")
    return daemon


# --- reset ---


@pytest.mark.parametrize("how", ["killed", "hung"])
def test_a_dead_service_is_guarded_until_the_gate_opens_again(lb, node, service, web, start_daemon, how):
    daemon = opened(start_daemon, lb, node, guarded(lb))
    assert connect(lb, node.v4, WEB).outcome == "accepted"
    assert guard_of(daemon)["service"] == "serving" and not guard_of(daemon)["active"]
    service.mode("refuse" if how == "killed" else "silent")
    wait_for(lb, node.v4, WEB, "refused")
    wait_for(lb, node.v6, WEB, "refused")
    assert connect(lb, node.v4, PORT).outcome == "refused"
    assert guard_of(daemon)["service"] == ("dead" if how == "killed" else "hung")
    assert guard_of(daemon)["active"] and guard_of(daemon)["reset"] >= 2
    service.mode("500")  # it answers, and is not ready
    daemon.wait_gate(lambda gate: gate["guard"]["service"] == "starting")
    assert connect(lb, node.v4, WEB).outcome == "refused"
    service.mode("200")
    wait_for(lb, node.v4, WEB, "accepted")
    wait_for(lb, node.v4, PORT, "accepted")
    assert [entry["reason"] for entry in daemon.gate()["history"]].count("guard") == 2


def test_a_service_that_drains_is_left_alone(lb, node, service, web, start_daemon):
    daemon = opened(start_daemon, lb, node, guarded(lb))
    service.mode("503")
    wait_for(lb, node.v4, PORT, "refused")
    assert guard_of(daemon)["service"] == "draining"
    assert connect(lb, node.v4, WEB).outcome == "accepted"
    service.mode("refuse")  # its process has ended
    wait_for(lb, node.v4, WEB, "refused")


@pytest.mark.parametrize("on_drain, web_port", [("no", "accepted"), ("yes", "refused")])
def test_an_administrators_drain_guards_only_where_asked(lb, node, service, web, start_daemon, on_drain, web_port):
    daemon = opened(start_daemon, lb, node, guarded(lb, **{"guard-on-drain": on_drain}))
    daemon.command("drain", "router")
    wait_for(lb, node.v4, PORT, "refused")
    wait_for(lb, node.v4, WEB, web_port)
    daemon.command("auto", "router")
    wait_for(lb, node.v4, WEB, "accepted")


def test_what_is_forced_open_is_not_guarded(lb, node, service, web, start_daemon):
    daemon = opened(start_daemon, lb, node, guarded(lb))
    service.mode("refuse")
    wait_for(lb, node.v4, WEB, "refused")
    daemon.command("force-open", "router")
    wait_for(lb, node.v4, WEB, "accepted")


def test_loopback_and_established_connections_pass(lb, node, service, web, start_daemon):
    opened(start_daemon, lb, node, guarded(lb))
    with lb.inside():
        client = socket.create_connection((node.v4, WEB), timeout=2)
    service.mode("refuse")
    wait_for(lb, node.v4, WEB, "refused")
    assert connect(node, "127.0.0.1", WEB).outcome == "accepted"
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.recv(100).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_silent_daemon_lets_traffic_through_within_the_lease(lb, node, service, web, start_daemon, number):
    daemon = opened(start_daemon, lb, node, guarded(lb))
    service.mode("refuse")
    wait_for(lb, node.v4, WEB, "refused")
    daemon.signal(number)
    silent = time.monotonic()
    wait_for(lb, node.v4, WEB, "accepted", timeout=4)
    assert time.monotonic() - silent < 2.5
    assert connect(lb, node.v4, PORT).outcome == "refused"  # the gate, the other way round
    daemon.signal(signal.SIGCONT) if number == signal.SIGSTOP else daemon.kill()


def test_a_stop_lifts_the_guard_at_once(lb, node, service, web, start_daemon):
    daemon = opened(start_daemon, lb, node, guarded(lb))
    service.mode("refuse")
    wait_for(lb, node.v4, WEB, "refused")
    daemon.stop()
    assert connect(lb, node.v4, WEB).outcome == "accepted"


def test_a_reload_moves_the_guard_and_takes_it_away(lb, node, service, web, start_daemon):
    Service(node, 8080)
    daemon = opened(start_daemon, lb, node, guarded(lb))
    service.mode("refuse")
    wait_for(lb, node.v4, WEB, "refused")
    daemon.write_config(guarded(lb, **{"guard-ports": 8080}))
    daemon.command("reload")
    wait_for(lb, node.v4, 8080, "refused")
    wait_for(lb, node.v4, WEB, "accepted")
    daemon.write_config(guarded(lb, guard="off"))
    daemon.command("reload")
    wait_for(lb, node.v4, 8080, "accepted")
    assert guard_of(daemon) is None and "_guard" not in daemon.table()


def test_without_relay_there_is_neither_nat_nor_conntrack(lb, node, service, web, start_daemon):
    daemon = opened(start_daemon, lb, node, guarded(lb))
    assert "nat" not in daemon.table()
    service.mode("refuse")
    wait_for(lb, node.v4, WEB, "refused")
    assert tracked(node) == 0


def tracked(host):
    return int(host.run("cat", "/proc/sys/net/netfilter/nf_conntrack_count").stdout)


def test_a_guard_whose_lease_is_flushed_away_stands_again(lb, node, service, web, start_daemon):
    daemon = opened(start_daemon, lb, node, guarded(lb))
    daemon.stop()
    daemon = start_daemon(guarded(lb), globals_={"table-owner": "no"})
    wait_for(lb, node.v4, PORT, "accepted")
    service.mode("refuse")
    wait_for(lb, node.v4, WEB, "refused")
    node.nft("flush", "set", "inet", "healthgate", "lease")
    wait_until(lambda: daemon.status()["repairs"] > 0, 5, "the repair")
    wait_for(lb, node.v4, WEB, "refused")
    assert guard_of(daemon)["active"]


# --- relay ---


@pytest.fixture
def peer(net, lb):
    """Another node: its own service, web port and gate."""
    host = net.host("peer")
    host.health, host.web = Service(host, 1936), Service(host, WEB)
    host.web.header("X-Served-By: peer")
    host.daemon = Daemon(host, gate_config("router", allow=["10.77.0.0/24", "fd77::/64"], **QUICK))
    wait_for(lb, host.v4, PORT, "accepted")
    yield host
    host.daemon.finish()


@pytest.fixture
def relaying(lb, node, peer, service, web, start_daemon):
    for key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
        node.run("sysctl", "-qw", f"{key}=1")
    daemon = opened(start_daemon, lb, node, guarded(lb, guard="relay", peers=f"{node.v4}, {peer.v4}, {peer.v6}"))
    wait_until(lambda: all(one["healthy"] for one in guard_of(daemon)["peers"]), 5, "healthy peers")
    return daemon


def asked(lb, address, within=2):
    """Who answered a request of a new connection; "" for nobody."""
    with lb.inside():
        client = socket.socket(family_of(address), socket.SOCK_STREAM)
    with client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        client.settimeout(within)
        try:
            client.connect((address, WEB))
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = client.recv(1000).decode()
        except OSError as error:
            return type(error).__name__
    found = re.search(r"X-Served-By: (\S+)", answer)
    return found.group(1) if found else "here"


def test_new_connections_are_relayed_to_a_healthy_peer(lb, node, peer, service, relaying):
    assert [one["address"] for one in guard_of(relaying)["peers"]] == [peer.v4, peer.v6]  # not ourselves
    assert asked(lb, node.v4) == "here"
    service.mode("refuse")
    wait_until(lambda: asked(lb, node.v4) == "peer", 3, "the peer's answer")
    wait_until(lambda: asked(lb, node.v6) == "peer", 3, "the peer's answer over IPv6")
    assert guard_of(relaying)["relayed"] >= 2
    service.mode("200")
    wait_until(lambda: asked(lb, node.v4) == "here", 3, "our own answer")
    assert asked(lb, node.v6) == "here"


def test_a_relayed_connection_lives_on_when_the_guard_lifts(lb, node, peer, service, relaying):
    service.mode("refuse")
    wait_until(lambda: asked(lb, node.v4) == "peer", 3, "the peer's answer")
    with lb.inside():
        client = socket.create_connection((node.v4, WEB), timeout=2)
    for mode in ("refuse", "200"):
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"X-Served-By: peer" in client.recv(1000)
        service.mode(mode)
        if mode == "200":
            wait_for(lb, node.v4, PORT, "accepted")
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"X-Served-By: peer" in client.recv(1000)


def test_with_no_healthy_peer_it_is_a_reset(lb, node, peer, service, relaying):
    peer.health.mode("503")
    wait_until(lambda: not guard_of(relaying)["peers"][0]["healthy"], 3, "the peer's end")
    service.mode("refuse")
    wait_for(lb, node.v4, WEB, "refused")
    assert guard_of(relaying)["relayed"] == 0
    peer.health.mode("200")
    wait_until(lambda: asked(lb, node.v4) == "peer", 3, "the peer's answer")


def test_what_comes_from_a_peer_is_never_relayed_again(lb, node, peer, service, relaying):
    service.mode("refuse")
    wait_until(lambda: asked(lb, node.v4) == "peer", 3, "the peer's answer")
    assert connect(peer, node.v4, WEB).outcome == "refused"
    assert connect(peer, node.v6, WEB).outcome == "refused"


def test_a_reload_of_something_else_keeps_the_peers(lb, node, peer, service, relaying):
    service.mode("refuse")
    wait_until(lambda: asked(lb, node.v4) == "peer", 3, "the peer's answer")
    hammer = Hammer(lb, node.v4, WEB, rate=500, timeout=1)
    for number in range(5):
        more = {"guard": "relay", "peers": f"{node.v4}, {peer.v4}, {peer.v6}", "lease": f"{2 + number % 2}s"}
        relaying.write_config(guarded(lb, **more))
        relaying.command("reload")
        time.sleep(0.1)
    assert set(count(hammer.stop())) == {"accepted"}


def test_two_dead_nodes_that_are_each_others_peers_reset(lb, node, peer, service, relaying):
    peer.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    peer.daemon.write_config(guarded(lb, guard="relay", peers=f"{node.v4}, {peer.v4}"))
    peer.daemon.command("reload")
    wait_until(lambda: guard_of(peer.daemon)["peers"][0]["healthy"], 3, "a healthy peer")
    service.mode("refuse")
    peer.health.mode("refuse")
    wait_for(lb, node.v4, PORT, "refused")
    wait_for(lb, peer.v4, PORT, "refused")
    for host in (node, peer):
        wait_for(lb, host.v4, WEB, "refused")
    before = packets(node)
    for _ in range(20):
        assert connect(lb, node.v4, WEB).outcome == "refused"
    assert packets(node) - before < 20 * 4 + 100  # beside what the daemons say to each other


def packets(host):
    return int(host.run("cat", "/sys/class/net/eth0/statistics/tx_packets").stdout)


def test_what_only_passes_by_is_not_relayed(net, lb, node, peer, service, relaying):
    """A pod's connection to the same port of another host, through this node."""
    far = net.host("far")
    Service(far, WEB).header("X-Served-By: far")
    service.mode("refuse")
    wait_until(lambda: asked(lb, node.v4) == "peer", 3, "the peer's answer")
    lb.run("ip", "route", "add", far.v4, "via", node.v4)
    assert asked(lb, far.v4) == "far"


def test_a_connection_that_is_older_than_conntrack_is_not_touched(lb, node, peer, service, web, start_daemon):
    node.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    daemon = opened(start_daemon, lb, node, guarded(lb))
    with lb.inside():
        client = socket.create_connection((node.v4, WEB), timeout=2)
    assert tracked(node) == 0
    daemon.write_config(guarded(lb, guard="relay", peers=peer.v4))
    daemon.command("reload")
    wait_until(lambda: guard_of(daemon)["peers"][0]["healthy"], 3, "a healthy peer")
    service.mode("refuse")
    wait_until(lambda: asked(lb, node.v4) == "peer", 3, "the peer's answer")
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = client.recv(1000)
    assert answer.startswith(b"HTTP/1.1 200") and b"X-Served-By" not in answer


def test_nobody_is_lost_when_the_guard_lifts_under_load(lb, node, peer, service, relaying):
    service.mode("refuse")
    wait_until(lambda: asked(lb, node.v4) == "peer", 3, "the peer's answer")
    hammer = Hammer(lb, node.v4, WEB, rate=500, timeout=1)
    service.mode("200")
    wait_for(lb, node.v4, PORT, "accepted")
    time.sleep(0.5)
    assert set(count(hammer.stop())) == {"accepted"}


def test_peers_may_ask_without_being_listed_twice(lb, node, peer, relaying):
    assert connect(peer, node.v4, PORT).outcome == "accepted"
    assert connect(peer, node.v6, PORT).outcome == "accepted"


def test_peers_are_found_by_name(net, lb, node, peer, service, web, start_daemon, tmp_path):
    node.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    hosts = tmp_path / "hosts"
    hosts.write_text(f"{peer.v4} routers.example\n{node.v4} routers.example\n")
    start = node.start
    node.start = lambda *argv, **options: start(
        "unshare", "--mount", "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh", *argv, **options
    )
    daemon = opened(start_daemon, lb, node, guarded(lb, guard="relay", peers="routers.example"))
    wait_until(lambda: [one["healthy"] for one in guard_of(daemon)["peers"]] == [True], 5, "a healthy peer")
    assert connect(peer, node.v4, PORT).outcome == "accepted"
    assert audited(daemon)[0] == 0, audited(daemon)
    service.mode("refuse")
    wait_until(lambda: asked(lb, node.v4) == "peer", 3, "the peer's answer")
    assert audited(daemon)[0] == 0, audited(daemon)


def test_the_table_is_as_rendered_and_as_nft_reads_it(node, relaying, service, lb):
    assert audited(relaying)[0] == 0, audited(relaying)
    service.mode("refuse")
    wait_for(lb, node.v4, PORT, "refused")
    wait_until(lambda: guard_of(relaying)["active"], 2, "the guard")
    wait_until(lambda: "standing since" in relaying.table(), 2, "its comment")
    assert audited(relaying)[0] == 0, audited(relaying)
    rendered = by_config(relaying, "render").stdout
    other = rendered.replace("inet healthgate", "inet another")  # ours is owned
    node.run("nft", "-c", "-f", "-", input=other)
    chain = re.search(r"chain router_relay \{.*?\}", relaying.table(), re.S).group()
    assert [line.strip() for line in chain.splitlines() if "dnat" in line] == [
        line.strip() for line in rendered.splitlines() if "dnat ip" in line
    ]


def test_drift_of_the_guard_is_mended(lb, node, peer, service, web, start_daemon):
    daemon = start_daemon(guarded(lb, guard="relay", peers=peer.v4), globals_={"table-owner": "no"})
    wait_until(lambda: "dnat ip to" in daemon.table(), 5, "a healthy peer")
    for attack in ("flush chain inet healthgate router_relay", "delete element inet healthgate router_guarded { 80 }"):
        before = daemon.status()["repairs"]
        node.nft(*attack.split())
        wait_until(lambda: daemon.status()["repairs"] > before, 5, "the repair")
        assert audited(daemon)[0] == 0, audited(daemon)
    assert "dnat ip to" in daemon.table()


def first_relayed(lb, address, within=3):
    """CLOCK_MONOTONIC of the first SYN from now on whose connection a peer answered."""
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    end = time.monotonic() + within
    with lb.inside():
        while time.monotonic() < end:
            with socket.socket(family_of(address), socket.SOCK_STREAM) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                started = time.monotonic()
                try:
                    client.connect((address, WEB))
                    client.sendall(request)
                    if b"X-Served-By: peer" in client.recv(1000):
                        return started
                except OSError:
                    pass
    raise TimeoutError(f"not relayed within {within} s")


@pytest.mark.timing
def test_from_a_death_to_the_first_relayed_connection_it_takes_less_than_5_ms(lb, node, peer, web, start_daemon):
    node.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    mortal = Mortal(node, 1936)
    daemon = opened(start_daemon, lb, node, guarded(lb, guard="relay", peers=peer.v4, interval="1s", timeout="500ms"))
    wait_until(lambda: guard_of(daemon)["peers"][0]["healthy"], 3, "a healthy peer")
    for _ in range(3):  # noise only adds: what the program can do, it does in one of three rounds
        took = deaths_until_relayed(lb, node, mortal, 20)
        print({"kill_to_relayed_syn_ms": [round(1000 * one, 2) for one in sorted(took)]})
        if statistics.median(took) < 0.005:
            return
    pytest.fail(f"longer in each round: {sorted(took)}")


def deaths_until_relayed(lb, node, mortal, number):
    """Seconds from each kill -9 to the first SYN that was relayed."""
    took = []
    for _ in range(number):
        wait_for(lb, node.v4, PORT, "accepted")
        assert asked(lb, node.v4) == "here"
        time.sleep(0.05)  # a service that has lived for a moment: its idle connection is in place
        died = mortal.die()
        took.append(first_relayed(lb, node.v4) - died)
        mortal.live()
    return took


def test_metrics_tell_of_the_guard(node, peer, relaying):
    text = node.run("curl", "-s", "http://127.0.0.1:18899/metrics").stdout
    assert 'healthgate_guard_active{gate="router",mode="relay"} 0' in text
    assert f'healthgate_peer_healthy{{gate="router",peer="{peer.v4}"}} 1' in text
    assert json.loads(relaying.command("status", "--json").stdout)["gates"][0]["guard"]["mode"] == "relay"


# --- doctor and check ---


def relay_findings(daemon):
    done = by_config(daemon, "doctor", "--json")
    return [one for one in json.loads(done.stdout)["findings"] if one["check"] == "relay"]


def test_doctor_is_silent_about_a_guard_that_can_relay(relaying):
    assert relay_findings(relaying) == []


@pytest.mark.parametrize("family, key", [("IPv4", "net.ipv4.ip_forward"), ("IPv6", "net.ipv6.conf.all.forwarding")])
def test_a_host_that_does_not_forward_is_found_and_mended(node, relaying, family, key):
    node.run("sysctl", "-qw", f"{key}=0")
    (found,) = relay_findings(relaying)
    assert found["severity"] == "error" and family in found["what"]
    node.run("sh", "-c", found["remedy"])
    assert relay_findings(relaying) == []


def test_a_peer_without_a_route_or_without_health_is_found(lb, node, peer, service, relaying):
    relaying.write_config(guarded(lb, guard="relay", peers="192.0.2.24"))
    relaying.command("reload")
    unreachable, unhealthy = relay_findings(relaying)
    assert "no route leads to the peer 192.0.2.24" in unreachable["what"]
    assert "no peer takes connections over" in unhealthy["what"]


def test_check_says_whose_address_the_peers_will_see(relaying):
    said = by_config(relaying, "check").stdout
    assert "masquerade" in said and "PROXY" in said and "X-Forwarded-For" in said
