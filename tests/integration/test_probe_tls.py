"""Conformance of TLS, for https and grpcs: openssl s_server, HAProxy and nginx, with certificates of our own."""

import signal

import pytest
from certificates import Authority, self_signed
from fronts import haproxy, nginx, s_server
from netns import Net
from probing import Row, judge, probe
from service import Service

GOOD, OTHER_NAME, EXPIRED, SELF_SIGNED, WILDCARD, OLD, NEW, STALLS, RSA_NAME = range(4430, 4439)
HAPROXY, HAPROXY_CLIENT, HAPROXY_SNI, HAPROXY_PROXY, NGINX = range(8440, 8445)
SILENT = 1937

PAGE = "%HV %[ssl_fc_protocol] %[ssl_fc_sni] %[req.hdr(host)]"

HAPROXY_TEXT = """
frontend tls
  bind :{HAPROXY} ssl crt {good} alpn h2,http/1.1
  http-request return status 200 content-type text/plain lf-string "{PAGE}"
frontend client-certificate
  bind :{HAPROXY_CLIENT} ssl crt {good} ca-file {ca} verify required
  http-request return status 200 content-type text/plain lf-string "client %[ssl_c_s_dn(cn)]"
frontend by-name
  bind :{HAPROXY_SNI} ssl crt {good} strict-sni
  http-request return status 200
frontend behind
  bind :{HAPROXY_PROXY} accept-proxy ssl crt {good}
  http-request return status 200 content-type text/plain lf-string "%[src] %[dst_port]"
"""

NGINX_TEXT = """
server {{
  listen {NGINX} ssl http2;
  ssl_certificate {good};
  ssl_certificate_key {good};
  ssl_protocols TLSv1.3;
  location / {{ return 200 "$server_protocol $ssl_protocol $host"; }}
}}
"""


class World:
    def __init__(self, net):
        self.host = net.host("node")
        authority, other = Authority(net.directory), Authority(net.directory, "other")
        self.names = {
            "ca": authority.path,
            "other_ca": other.path,
            "good": authority.issue("good"),
            "expired": authority.issue("expired", days=-3),
            "client": authority.issue("probe", names=("probe.example",)),
            "stranger": other.issue("stranger"),
            "self": self_signed(net.directory),
            "nothing": net.directory / "nothing.pem",
        }
        pair = self.names["client"]
        self.names |= {"client_crt": pair.with_suffix(".crt"), "client_key": pair.with_suffix(".key")}
        elsewhere = authority.issue("elsewhere", names=("elsewhere.example",), addresses=())
        s_server(self.host, GOOD, self.names["good"])
        s_server(self.host, OTHER_NAME, elsewhere)
        s_server(self.host, EXPIRED, self.names["expired"])
        s_server(self.host, SELF_SIGNED, self.names["self"])
        s_server(self.host, WILDCARD, authority.issue("wild", names=("*.apps.example",), addresses=()))
        s_server(self.host, OLD, self.names["good"], "-tls1", "-cipher", "ALL:@SECLEVEL=0")
        s_server(self.host, NEW, self.names["good"], "-tls1_3")
        s_server(self.host, STALLS, self.names["good"]).signal(signal.SIGSTOP)
        Service(self.host, SILENT, mode="silent")
        ports = {name: value for name, value in globals().items() if name.startswith(("HAPROXY", "NGINX", "PAGE"))}
        haproxy(self.host, HAPROXY_TEXT.format(**ports, **self.names), HAPROXY, HAPROXY_PROXY)
        nginx(self.host, NGINX_TEXT.format(**ports, **self.names), NGINX)

    def filled(self, keys):
        """The values with the paths of this world in place of {NAMES}."""
        return {key: value.format(**self.names) if isinstance(value, str) else value for key, value in keys.items()}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with Net(tmp_path_factory.mktemp("tls")) as net:
        yield World(net)


def at(port, host="127.0.0.1"):
    return f"https://{host}:{port}/"


CA = {"ca": "{ca}"}

ROWS = [
    Row("a good certificate", at(GOOD), "none", "HTTP 200", CA),
    Row("good for the name too", at(GOOD, "localhost"), "none", keys=CA),
    Row("an authority that the system does not know", at(GOOD), "tls", "unable to get local issuer certificate"),
    Row("another authority", at(GOOD), "tls", "certificate not accepted", {"ca": "{other_ca}"}, by_deadline=False),
    Row("another name", at(OTHER_NAME), "tls", "certificate name does not match", CA, by_deadline=False),
    Row("the name that it has", at(OTHER_NAME), "none", keys=CA | {"sni": "elsewhere.example"}),
    Row("expired", at(EXPIRED), "tls", "certificate has expired", CA, by_deadline=False),
    Row("self-signed", at(SELF_SIGNED, "localhost"), "tls", "self-signed certificate", CA, by_deadline=False),
    Row("self-signed and trusted", at(SELF_SIGNED, "localhost"), "none", keys={"ca": "{self}"}),
    Row("not verified", at(SELF_SIGNED), "none", keys={"insecure": "yes"}),
    Row("not verified, expired", at(EXPIRED), "none", keys={"insecure": "yes"}),
    Row("a wildcard", at(WILDCARD), "none", keys=CA | {"sni": "router.apps.example"}),
    Row("a wildcard is one label", at(WILDCARD), "tls", "does not match", CA | {"sni": "a.b.apps.example"}),
    Row("a pinned name", at(GOOD), "none", keys=CA | {"pinned-name": "localhost"}),
    Row("a pinned name that is missing", at(GOOD), "tls", "not for web.example", CA | {"pinned-name": "web.example"}),
    # versions
    Row("TLS 1.0 is too old", at(OLD), "tls", by_deadline=False, keys=CA),
    Row("TLS 1.0 where that is enough", at(OLD), "tls", keys=CA | {"tls-min": "1.0"}),
    Row("TLS 1.3 alone", at(NEW), "none", keys=CA | {"tls-min": "1.3"}),
    Row("TLS 1.2 where 1.3 is asked", at(HAPROXY), "none", keys=CA | {"tls-min": "1.2"}),
    # names
    Row("SNI and its Host", at(HAPROXY), "none", keys=CA | {"sni": "localhost", "expect-body": "localhost 127.0.0.1"}),
    Row("SNI that is needed", at(HAPROXY_SNI), "tls", keys=CA, by_deadline=False),
    Row("SNI that is given", at(HAPROXY_SNI), "none", keys=CA | {"sni": "localhost"}),
    Row(
        "Host beside SNI", at(NGINX), "none",
        keys=CA | {"sni": "localhost", "host": "web.example", "expect-body": "web.ex"},
    ),
    # client certificates
    Row(
        "a client certificate", at(HAPROXY_CLIENT), "none",
        keys=CA | {"cert": "{client}", "expect-body": "client probe"},
    ),
    Row("its key apart", at(HAPROXY_CLIENT), "none", keys=CA | {"cert": "{client_crt}", "key": "{client_key}"}),
    Row("no client certificate", at(HAPROXY_CLIENT), "tls", "certificate required", CA, by_deadline=False),
    Row("a stranger's certificate", at(HAPROXY_CLIENT), "tls", "unknown ca", CA | {"cert": "{stranger}"}),
    # versions of HTTP, preamble
    Row("HTTP/2 is agreed on", at(HAPROXY), "none", keys=CA | {"expect-body": "HTTP/2.0 TLSv1.3"}),
    Row("HTTP/1.1 is asked for", at(HAPROXY), "none", keys=CA | {"http-version": "1.1", "expect-body": "HTTP/1.1 TLS"}),
    Row("HTTP/2 of nginx", at(NGINX), "none", keys=CA | {"http-version": "2", "expect-body": "HTTP/2.0 TLSv1.3"}),
    Row(
        "PROXY before TLS", at(HAPROXY_PROXY), "none",
        keys=CA | {"proxy-protocol": "v2", "expect-body": "127.0.0.1 8443"},
    ),
    # stalls
    Row("a handshake that stalls", at(STALLS), "timeout", "TLS handshake", CA),
    Row("a handshake that is never read", at(SILENT), "timeout", "TLS handshake", CA),
    Row("nobody listens", at(9), "refused", keys=CA, by_deadline=False),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_kind_of_tls_server_is_judged_as_it_deserves(world, row):
    judge(row, probe(world.host, row.url, world.filled(row.keys), row.timeout))


def test_the_report_names_the_certificate_and_its_days(world):
    found = probe(world.host, at(GOOD), world.filled(CA))
    step = next(step for step in found.steps if step["name"] == "tls")
    assert step["detail"] in ("CN = good, 29 days left", "CN = good, 30 days left")
    found = probe(world.host, at(EXPIRED), {"insecure": "yes"})
    step = next(step for step in found.steps if step["name"] == "tls")
    assert step["detail"] == "CN = expired, expired 3 days ago"


@pytest.mark.parametrize("key", ["ca", "cert", "key"])
def test_a_file_that_is_not_there_is_an_error_of_the_configuration(world, key):
    keys = {"ca": "{ca}", "cert": "{client}", "key": "{client}", key: "{nothing}"}
    with pytest.raises(RuntimeError, match=rf"{key} = .*nothing\.pem: in .probe.one.: cannot read it: No such file"):
        probe(world.host, at(GOOD), world.filled(keys))
