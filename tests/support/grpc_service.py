#!/usr/bin/env python3
"""A real gRPC server (python3-grpcio) that answers grpc.health.v1.Health/Check as told by its arguments.

    grpc_service.py --port 50051 [--cert PEM] [--unimplemented]

By the service's name: "" and "up" are SERVING, "down" NOT_SERVING, "new" a status of the future; "gone" is NOT_FOUND,
"slow" answers after a minute, "garbage" with bytes that are no message, "empty" with an empty one, "big" with 1 MB.
"""

import argparse
import threading
from concurrent import futures

import grpc

ANSWERS = {"": b"\x08\x01", "up": b"\x08\x01", "down": b"\x08\x02", "new": b"\x08\x63", "empty": b""}
ANSWERS |= {"garbage": b"\x08\xff\xff", "big": b"\x12" + b"\xc0\x84\x3d" + bytes(1_000_000) + b"\x08\x01"}


def name_of(request):
    """The service's name: field 1 of HealthCheckRequest."""
    return request[2 : 2 + request[1]].decode() if request else ""


def check(request, context):
    name = name_of(request)
    if name == "slow":
        threading.Event().wait(60)
    if name not in ANSWERS:
        context.abort(grpc.StatusCode.NOT_FOUND, f"no service {name}\x1b[31m")
    return ANSWERS[name]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=50051)
    parser.add_argument("--cert")
    parser.add_argument("--unimplemented", action="store_true")
    arguments = parser.parse_args()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    if not arguments.unimplemented:
        handler = grpc.unary_unary_rpc_method_handler(check)
        service = grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler})
        server.add_generic_rpc_handlers((service,))
    address = f"[::]:{arguments.port}"
    if arguments.cert:
        pem = open(arguments.cert, "rb").read()  # certificate and key
        server.add_secure_port(address, grpc.ssl_server_credentials([(pem, pem)]))
    else:
        server.add_insecure_port(address)
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
