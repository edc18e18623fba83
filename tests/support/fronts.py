"""Real servers in a host's namespace, each with a configuration of its own: HAProxy, nginx, openssl s_server, gRPC."""

import pathlib
import sys

from connect import connect
from process import wait_until

_HERE = pathlib.Path(__file__).parent


def _ready(host, process, *ports):
    def listens():
        assert process.running, process.log()
        return all(connect(host, "127.0.0.1", port).outcome == "accepted" for port in ports)

    wait_until(listens, 15, f"{process.argv[0]} at {ports}")
    return process


def haproxy(host, text, *ports):
    """HAProxy with `text` after a default section."""
    path = host.net.directory / f"haproxy-{host.name}-{len(host.processes)}.cfg"
    times = "".join(f"  timeout {side} 30s\n" for side in ("client", "server", "connect"))
    path.write_text(f"global\n  maxconn 200\ndefaults\n  mode http\n{times}{text}")
    return _ready(host, host.start("haproxy", "-db", "-f", path), *ports)


def nginx(host, servers, *ports):
    """nginx with these server blocks, and all its files in a directory of its own."""
    directory = host.net.directory / f"nginx-{host.name}-{len(host.processes)}"
    directory.mkdir()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"  {kind}_temp_path {directory}/{kind};\n" for kind in kinds)
    text = f"daemon off;\npid {directory}/pid;\nerror_log stderr;\nuser root;\nworker_processes 1;\n"
    text += "events { worker_connections 512; }\nhttp {\n  access_log off;\n" + paths + servers + "}\n"
    path = directory / "nginx.conf"
    path.write_text(text)
    return _ready(host, host.start("nginx", "-e", "stderr", "-p", directory, "-c", path), *ports)


def s_server(host, port, pem, *options):
    """openssl s_server that answers every GET with a page about the connection."""
    words = ["openssl", "s_server", "-accept", port, "-cert", pem, "-key", pem, "-www", *options]
    return _ready(host, host.start(*words), port)


def grpc_service(host, port, *options):
    return _ready(host, host.start(sys.executable, _HERE / "grpc_service.py", "--port", port, *options), port)
