"""Conformance of http, https' common part, and http+unix: a row per behaviour, against HAProxy, nginx and a hostile
service of ours."""

import contextlib
import socket

import pytest
from fronts import haproxy, nginx
from netns import Net
from probing import Row, judge, probe
from service import Service

SERVICE, HAPROXY, HAPROXY_PROXY, NGINX, NGINX_H2, NGINX_PROXY = 1936, 8080, 8081, 8090, 8091, 8092

MIRROR = "%[method] %[req.hdr(host)] %HV %[req.hdr(x-one)] %[req.hdr(x-two)]"
DOCUMENT = '{"localEndpoints": 1, "name": "r\\"1", "deep": {"a/b": [true, null]}}'

HAPROXY_TEXT = f"""
frontend web
  bind :{HAPROXY}
  http-request return status 200 content-type text/plain string "alive" hdr X-Live yes if {{ path /ok }}
  http-request return status 204 if {{ path /empty }}
  http-request return status 301 hdr Location /ok if {{ path /moved }}
  http-request return status 302 hdr Location http://127.0.0.1:{NGINX}/ok if {{ path /away }}
  http-request return status 307 hdr Location http://localhost:{NGINX}/ok if {{ path /next-door }}
  http-request return status 302 hdr Location /circle if {{ path /circle }}
  http-request return status 302 hdr Location ftp://localhost/ if {{ path /ftp }}
  http-request return status 302 if {{ path /nowhere }}
  http-request return status 200 content-type text/plain lf-string "{MIRROR}" if {{ path /mirror }}
  http-request return status 200 content-type application/json string '{DOCUMENT}' if {{ path /json }}
  http-request return status 503
frontend behind
  bind :{HAPROXY_PROXY} accept-proxy
  http-request return content-type text/plain lf-string "%[src] %[dst] %[dst_port]" status 200
"""

NGINX_TEXT = f"""
server {{
  listen {NGINX};
  listen [::]:{NGINX};
  listen unix:SOCKET;
  location /ok {{ return 200 "nginx alive\\n"; }}
  location /who {{ return 200 "$remote_addr $server_protocol $host"; }}
  location /limit {{ client_max_body_size 1; return 429; }}
}}
server {{
  listen {NGINX_H2} http2;
  location / {{ return 200 "$server_protocol $request_method"; }}
}}
server {{
  listen {NGINX_PROXY} proxy_protocol;
  location / {{ return 200 "$proxy_protocol_addr $proxy_protocol_server_port"; }}
}}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with Net(tmp_path_factory.mktemp("http")) as net:
        host = net.host("node")
        host.socket = net.directory / "nginx.sock"
        host.add_address("10.77.0.200/24")
        host.service = Service(host, SERVICE)
        haproxy(host, HAPROXY_TEXT, HAPROXY, HAPROXY_PROXY)
        nginx(host, NGINX_TEXT.replace("SOCKET", str(host.socket)), NGINX, NGINX_H2, NGINX_PROXY)
        yield host


def at(port, path="/"):
    return f"http://127.0.0.1:{port}{path}"


def mirror(words, **keys):
    """HAProxy says back what it was asked; `words` must be in that."""
    return {"url": at(HAPROXY, "/mirror"), "expect": "none", "keys": {"expect-body": words} | keys}


JSON = at(HAPROXY, "/json")

OPTIONS = [
    Row("HAProxy is healthy", at(HAPROXY, "/ok"), "none", "HTTP 200"),
    Row("HAProxy is not", at(HAPROXY, "/"), "status", "HTTP 503", by_deadline=False),
    Row("nginx is healthy", at(NGINX, "/ok"), "none", "HTTP 200"),
    Row("nginx over IPv6", f"http://[::1]:{NGINX}/ok", "none", "HTTP 200"),
    Row("localhost where only IPv4 listens", f"http://localhost:{HAPROXY}/ok", "none", "HTTP 200"),
    Row("nobody listens", at(9), "refused", "connection refused: 127.0.0.1", by_deadline=False),
    Row("no family listens", "http://localhost:9/", "refused", "connection refused: ::1 and 127.0.0.1"),
    Row("no such network", "http://203.0.113.1/", "refused", "network is unreachable", by_deadline=False),
    Row("a host that is silent", "http://10.77.0.99/", "timeout", "connecting to 10.77.0.99"),
    Row("a name that is not there", "http://no-such-name.invalid/", "dns", "no-such-name.invalid", timeout="3s"),
    # what is asked
    Row("GET is the default", **mirror("GET 127.0.0.1:8080 HTTP/1.1")),
    Row("another method", **mirror("OPTIONS 127.0.0.1:8080", method="OPTIONS")),
    Row("POST", **mirror("POST 127.0.0.1:8080", method="POST")),
    Row("HEAD has no body", at(SERVICE), "none", keys={"method": "HEAD"}),
    Row("HEAD of a lie about the length", at(SERVICE), "none", keys={"method": "HEAD"}, mode="big-body"),
    Row("another Host", **mirror("GET web.example:81 HTTP", host="web.example:81")),
    Row("two headers", **mirror("HTTP/1.1 first second", header=["X-One: first", "X-Two: second"])),
    Row("HTTP/1.0", **mirror("HTTP/1.0", **{"http-version": "1.0"})),
    Row("HTTP/1.1", **mirror("HTTP/1.1", **{"http-version": "1.1"})),
    Row("HTTP/2 in clear text", at(NGINX_H2), "none", keys={"http-version": "2", "expect-body": "HTTP/2.0 GET"}),
    Row("HTTP/2 HEAD", at(NGINX_H2), "none", keys={"http-version": "2", "method": "HEAD"}),
    Row("HTTP/2 asked of HTTP/1.1", at(NGINX, "/ok"), "reset|protocol", keys={"http-version": "2"}, by_deadline=False),
    # what must come back
    Row("a status that passes", at(HAPROXY, "/empty"), "none", "HTTP 204", {"expect-status": "200,204"}),
    Row("a range", at(HAPROXY, "/moved"), "none", "HTTP 301", {"expect-status": "200-299,300-399"}),
    Row("a status that was to come", at(NGINX, "/limit"), "none", "HTTP 429", {"expect-status": "429"}),
    Row("200 is not 204", at(HAPROXY, "/ok"), "status", "HTTP 200, expected 204", {"expect-status": "204"}),
    Row("a header is there", at(HAPROXY, "/ok"), "none", keys={"expect-header": "x-live"}),
    Row("a header's value", at(HAPROXY, "/ok"), "none", keys={"expect-header": ["X-Live: yes", "Content-Type"]}),
    Row(
        "another value", at(HAPROXY, "/ok"), "mismatch", 'X-Live is "yes", expected "no"',
        {"expect-header": "X-Live: no"},
    ),
    Row("a header is missing", at(HAPROXY, "/ok"), "mismatch", "header X-Dead is missing", {"expect-header": "X-Dead"}),
    Row("the body has it", at(HAPROXY, "/ok"), "none", keys={"expect-body": "liv"}),
    Row("the body lacks it", at(HAPROXY, "/ok"), "mismatch", 'body lacks "dead"', {"expect-body": "dead"}),
    Row("an expression", at(NGINX, "/ok"), "none", keys={"expect-body-regex": r"^nginx\s+\w+\s*$"}),
    Row(
        "an expression without a match", at(NGINX, "/ok"), "mismatch", "does not match",
        {"expect-body-regex": "^alive"},
    ),
    Row(
        "JSON holds", JSON, "none",
        keys={"expect-json": ["/localEndpoints >= 1", r'/name == "r\"1"', "/deep/a~1b/0 == true"]},
    ),
    Row(
        "JSON says no", JSON, "mismatch", "/localEndpoints is 1, expected >= 2",
        {"expect-json": "/localEndpoints >= 2"},
    ),
    Row("JSON lacks it", JSON, "mismatch", "/none is missing, expected to exist", {"expect-json": "/none exists"}),
    Row("no JSON at all", at(HAPROXY, "/ok"), "mismatch", "body is not JSON", {"expect-json": "/a exists"}),
    # redirects
    Row("a redirect is no health", at(HAPROXY, "/moved"), "status", "HTTP 301"),
    Row(
        "a redirect is followed", at(HAPROXY, "/moved"), "none",
        keys={"follow-redirects": "same-host", "expect-body": "alive"},
    ),
    Row(
        "another port is the same host", f"http://localhost:{HAPROXY}/next-door", "none",
        keys={"follow-redirects": "same-host", "expect-body": "nginx"},
    ),
    Row(
        "another host is not", f"http://localhost:{HAPROXY}/away", "status", "redirect to another host: 127.0.0.1",
        {"follow-redirects": "same-host"},
    ),
    Row(
        "another host if asked", f"http://localhost:{HAPROXY}/away", "none",
        keys={"follow-redirects": "any-host", "expect-body": "nginx"},
    ),
    Row("a circle", at(HAPROXY, "/circle"), "status", "more than 5 redirects", {"follow-redirects": "any-host"}),
    Row(
        "another protocol", at(HAPROXY, "/ftp"), "status", "redirect to another protocol",
        {"follow-redirects": "any-host"},
    ),
    Row(
        "a redirect to nowhere", at(HAPROXY, "/nowhere"), "status", "redirect without a Location",
        {"follow-redirects": "any-host"},
    ),
    # the connection
    Row(
        "PROXY v1 to HAProxy", at(HAPROXY_PROXY), "none",
        keys={"proxy-protocol": "v1", "expect-body": "127.0.0.1 127.0.0.1 8081"},
    ),
    Row(
        "PROXY v2 to HAProxy", at(HAPROXY_PROXY), "none",
        keys={"proxy-protocol": "v2", "expect-body": "127.0.0.1 127.0.0.1 8081"},
    ),
    Row("PROXY v1 to nginx", at(NGINX_PROXY), "none", keys={"proxy-protocol": "v1", "expect-body": "127.0.0.1 8092"}),
    Row("PROXY v2 to nginx", at(NGINX_PROXY), "none", keys={"proxy-protocol": "v2", "expect-body": "127.0.0.1 8092"}),
    Row("no PROXY where one is needed", at(HAPROXY_PROXY), "reset", keys={"proxy-protocol": "off"}, by_deadline=False),
    Row("PROXY where none is known", at(NGINX, "/ok"), "status", "HTTP 400", {"proxy-protocol": "v2"}),
    Row(
        "a source address", "http://10.77.0.1:8090/who", "none",
        keys={"source": "10.77.0.200", "expect-body": "10.77.0.200"},
    ),
    Row(
        "a source that is not here", at(NGINX, "/who"), "refused", "cannot assign requested address",
        {"source": "192.0.2.9"},
    ),
    Row("a unix socket", "http+unix://SOCKET:/ok", "none", keys={"expect-body": "nginx alive"}),
    Row(
        "a unix socket and Host", "http+unix://SOCKET:/who", "none",
        keys={"host": "web.example", "expect-body": "web.example"},
    ),
    Row("no unix socket", "http+unix:///run/no-such.sock:/ok", "refused", by_deadline=False),
]


@pytest.mark.parametrize("row", OPTIONS, ids=str)
def test_each_option_against_real_servers(world, row):
    world.service.mode(row.mode)
    judge(row, probe(world, row.url.replace("SOCKET", str(world.socket)), row.keys, row.timeout))


LENGTH_5 = r"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
CHUNKED = r"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
URL = at(SERVICE)

HOSTILE = [
    Row("reads and never answers", URL, "timeout", "before the first byte", mode="hang"),
    Row("accepts and never reads", URL, "timeout", "before the first byte", mode="silent"),
    Row("drips a byte a second", URL, "timeout", mode="slow"),
    Row(
        "headers without end", URL, "protocol", "header of more than", mode="endless-header", timeout="5s",
        by_deadline=False,
    ),
    Row(
        "headers without end, slower than the deadline", URL, "timeout", "in the header", mode="endless-header",
        timeout="50ms",
    ),
    Row("a header line without end", URL, "protocol", "header", mode="endless-line", timeout="5s", by_deadline=False),
    Row(
        "status 1xx forever", URL, "protocol", "answers of status 1xx", mode="continue", timeout="5s",
        by_deadline=False,
    ),
    Row("ends without an answer", URL, "reset", "connection closed without an answer", mode="close", by_deadline=False),
    Row("resets without an answer", URL, "reset", "connection reset", mode="reset", by_deadline=False),
    Row(
        "a body shorter than it says", URL, "reset", "before the body was whole", mode=f"raw {LENGTH_5}ok",
        by_deadline=False,
    ),
    Row("a body shorter than it says, and waits", URL, "timeout", "in the body", mode=f"raw-hang {LENGTH_5}ok"),
    Row("a body longer than it says", URL, "none", mode=f"raw {LENGTH_5}alive and more", keys={"expect-body": "alive"}),
    Row("resets in the body", URL, "reset", "connection reset", mode=f"raw-reset {LENGTH_5}ok", by_deadline=False),
    Row(
        "resets in the header", URL, "reset", "connection reset", mode=r"raw-reset HTTP/1.1 200 OK\r\n",
        by_deadline=False,
    ),
    Row(
        "ends in the header", URL, "reset", "closed in the header", mode=r"raw HTTP/1.1 200 OK\r\nX-A: b\r\n",
        by_deadline=False,
    ),
    Row(
        "a length that is none", URL, "protocol", mode=r"raw HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        by_deadline=False,
    ),
    Row(
        "a length below zero", URL, "protocol", mode=r"raw HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        by_deadline=False,
    ),
    Row(
        "a length beyond all numbers", URL, "protocol",
        mode=r"raw HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", by_deadline=False,
    ),
    Row(
        "two lengths", URL, "protocol", "two lengths",
        mode=r"raw HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 2\r\n\r\nok", by_deadline=False,
    ),
    Row("a chunk that is none", URL, "protocol", mode=f"raw {CHUNKED}zz", by_deadline=False),
    Row("ends before the last chunk", URL, "reset", mode=rf"raw {CHUNKED}2\r\nok\r\n", by_deadline=False),
    Row(
        "a chunk beyond all numbers", URL, "protocol", mode=rf"raw {CHUNKED}ffffffffffffffffff\r\nok",
        by_deadline=False,
    ),
    Row("a body without end", URL, "timeout", "in the body", mode="endless-body"),
    Row("a body that is too long", URL, "protocol", "more than the limit of 65536", mode="big-body", by_deadline=False),
    Row(
        "a body longer than is allowed", at(HAPROXY, "/ok"), "protocol", "more than the limit of 4",
        {"body-limit": "4"},
    ),
    Row("a body as long as is allowed", at(HAPROXY, "/ok"), "none", keys={"body-limit": "5"}),
    Row(
        "a body of any length in the end", URL, "protocol", "body of more than 65536 bytes",
        mode=r"raw HTTP/1.1 200 OK\r\n\r\n" + "x" * 65537,
    ),
    Row(
        "a gzip bomb stays packed", URL, "protocol", "more than the limit", mode="gzip-bomb", timeout="5s",
        by_deadline=False,
    ),
    Row("another protocol", URL, "protocol", "not HTTP", mode="garbage", by_deadline=False),
    Row("no status", URL, "protocol", mode=r"raw HTTP/1.1 \r\n\r\n", by_deadline=False),
    Row(
        "a status without a meaning", URL, "status", "HTTP 999", mode=r"raw HTTP/1.1 999 Odd\r\n\r\n",
        by_deadline=False,
    ),
    Row(
        "terminal control in an answer", URL, "mismatch", 'X-A is "?[2J"', {"expect-header": "X-A: b"},
        r"raw HTTP/1.1 200 OK\r\nX-A: \x1b[2J\r\n\r\n",
    ),
    Row("switches to another protocol", URL, "timeout", mode=r"raw-hang HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"),
    Row(
        "HTTP/2 where HTTP/1.1 was asked", URL, "protocol", mode=r"raw \x00\x00\x00\x04\x00\x00\x00\x00\x00",
        by_deadline=False,
    ),
    Row("TLS expected, text comes", f"https://127.0.0.1:{SERVICE}/", "timeout", "TLS", mode="silent"),
    Row("TLS expected of an HTTP server", f"https://127.0.0.1:{HAPROXY}/", "tls", by_deadline=False),
]


@pytest.mark.parametrize("row", HOSTILE, ids=str)
def test_a_hostile_service_is_classed_within_the_deadline(world, row):
    world.service.mode(row.mode)
    judge(row, probe(world, row.url, row.keys, row.timeout))


def test_a_unix_socket_whose_queue_is_full_refuses(world, tmp_path):
    path = tmp_path / "full.sock"
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(path))
        listener.listen(0)
        stack.enter_context(socket.socket(socket.AF_UNIX)).connect(str(path))
        found = probe(world, f"http+unix://{path}:/ok", directory=tmp_path)
    assert (found.failure, found.detail) == ("refused", f"resource temporarily unavailable: {path}")
    assert found.steps[-1]["name"] == "connect" and not found.steps[-1]["ok"]
