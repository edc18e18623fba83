"""Conformance of grpc and grpcs: grpc.health.v1.Health/Check against a real gRPC server, and against what is none."""

import pytest
from certificates import Authority
from fronts import grpc_service, haproxy, nginx
from netns import Net
from probing import Row, judge, probe
from service import Service

PLAIN, TLS, UNIMPLEMENTED, BEHIND, NGINX, HOSTILE = 50051, 50052, 50053, 50054, 50055, 50056


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with Net(tmp_path_factory.mktemp("grpc")) as net:
        host = net.host("node")
        host.add_address("10.77.0.200/24")
        authority = Authority(net.directory)
        host.ca = authority.path
        host.hostile = Service(host, HOSTILE)
        grpc_service(host, PLAIN)
        grpc_service(host, TLS, "--cert", authority.issue("grpc"))
        grpc_service(host, UNIMPLEMENTED, "--unimplemented")
        proxied = f"listen behind\n  bind :{BEHIND} proto h2 accept-proxy\n  server one 127.0.0.1:{PLAIN} proto h2\n"
        haproxy(host, proxied, BEHIND)
        nginx(host, f"server {{ listen {NGINX} http2; location / {{ return 503; }} }}\n", NGINX)
        yield host


def at(port, service="", scheme="grpc"):
    return f"{scheme}://127.0.0.1:{port}" + (f"/{service}" if service else "")


URL = at(HOSTILE)
SETTINGS = r"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
GOAWAY = r"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x0b"

ROWS = [
    Row("the whole server", at(PLAIN), "none", "SERVING"),
    Row("a service by its name", at(PLAIN, "up"), "none", "SERVING"),
    Row("not serving", at(PLAIN, "down"), "status", "NOT_SERVING", by_deadline=False),
    Row("a status of the future", at(PLAIN, "new"), "status", "99", by_deadline=False),
    Row("a message without a status", at(PLAIN, "empty"), "status", "UNKNOWN", by_deadline=False),
    Row("no such service", at(PLAIN, "gone"), "status", "gRPC NOT_FOUND: no service gone", by_deadline=False),
    # The server does not wait for the request's message; curl 7.88 now and then sees its RST_STREAM first.
    Row("no health service", at(UNIMPLEMENTED), "status|reset", by_deadline=False),
    Row("no answer", at(PLAIN, "slow"), "timeout"),
    Row("bytes that are no message", at(PLAIN, "garbage"), "protocol", "not a HealthCheckResponse", by_deadline=False),
    Row("a message without end", at(PLAIN, "big"), "protocol", "more than 65536 bytes", by_deadline=False),
    Row("over TLS", at(TLS, "up", "grpcs"), "none", "SERVING", {"ca": "{ca}"}),
    Row(
        "over TLS, no such name", at(TLS, scheme="grpcs"), "tls", "does not match",
        {"ca": "{ca}", "sni": "web.example"},
    ),
    Row(
        "over TLS, pinned", at(TLS, scheme="grpcs"), "tls", "not for web",
        {"ca": "{ca}", "pinned-name": "web.example"},
    ),
    Row("over TLS, not trusted", at(TLS, scheme="grpcs"), "tls", "certificate not accepted", by_deadline=False),
    Row("over TLS, not verified", at(TLS, scheme="grpcs"), "none", keys={"insecure": "yes"}),
    Row("TLS asked of clear text", at(PLAIN, scheme="grpcs"), "tls", by_deadline=False),
    Row("clear text asked of TLS", at(TLS), "reset", by_deadline=False),
    Row("behind HAProxy with PROXY v2", at(BEHIND), "none", keys={"proxy-protocol": "v2"}),
    Row("behind HAProxy with PROXY v1", at(BEHIND), "none", keys={"proxy-protocol": "v1"}),
    Row("from an address", "grpc://10.77.0.1:50051/up", "none", keys={"source": "10.77.0.200"}),
    Row("nobody listens", at(9), "refused", "connection refused", by_deadline=False),
    # It answers 503 and resets the stream, for it reads no body; curl 7.88 loses the answer if both come at once.
    Row("a web server", at(NGINX), "status|reset", "HTTP", by_deadline=False),
    Row("HTTP/1.1", URL, "reset|protocol", mode="200", by_deadline=False),
    Row("not HTTP", URL, "reset|protocol", mode="garbage", by_deadline=False),
    Row("silence", URL, "timeout", mode="silent"),
    Row("the end", URL, "reset", mode="close", by_deadline=False),
    Row("RST", URL, "reset", mode="reset", by_deadline=False),
    Row("settings and silence", URL, "timeout", mode=f"raw-hang {SETTINGS}"),
    Row("settings and the end", URL, "reset", mode=f"raw {SETTINGS}", by_deadline=False),
    Row("goes away", URL, "reset|protocol", mode=f"raw {SETTINGS}{GOAWAY}", by_deadline=False),
    Row(
        "a frame that is too long", URL, "reset|protocol",
        mode=rf"raw-hang {SETTINGS}\xff\xff\xff\x00\x00\x00\x00\x00\x01",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_kind_of_grpc_server_is_judged_as_it_deserves(world, row):
    world.hostile.mode(row.mode)
    keys = {key: value.replace("{ca}", str(world.ca)) for key, value in row.keys.items()}
    judge(row, probe(world, row.url, keys, row.timeout))
