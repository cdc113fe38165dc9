"""`python -m facetkit.healthcheck TARGET [SERVICE]`: health as an exit code, for containers."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

TIMEOUT_S = 3.0


class Unhealthy(Exception):
    """What is asked is not well; the message is the reason, in one line."""


def main() -> None:
    """Ends with 0 where all is well, otherwise with 1 and the reason on stderr."""
    asked = _arguments()
    try:
        if "://" in asked.target:
            check_page(asked.target, timeout_s=asked.timeout_s)
        else:
            check_grpc(
                asked.target,
                asked.service,
                timeout_s=asked.timeout_s,
                any_answer=asked.any_answer,
            )
    except Unhealthy as unhealthy:
        sys.exit(f"{asked.target}: {unhealthy}")


def check_page(url: str, *, timeout_s: float = TIMEOUT_S) -> None:
    """Raises Unhealthy unless the http `url` answers 200; no proxy is asked."""
    # Here and below, imported where it is used: a check is a process each few seconds.
    from http import HTTPStatus
    from http.client import HTTPConnection, HTTPException
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=timeout_s)
    try:
        connection.request("GET", parts.path or "/")
        status = connection.getresponse().status
    except (HTTPException, OSError) as error:
        raise Unhealthy(str(error) or type(error).__name__) from error
    finally:
        connection.close()
    if status != HTTPStatus.OK:
        raise Unhealthy(f"HTTP {status}")


def check_grpc(
    target: str, service: str = "", *, timeout_s: float = TIMEOUT_S, any_answer: bool = False
) -> None:
    """Raises Unhealthy unless the server at `target`, `host:port`, says that it serves `service`.

    `any_answer` is for servers without a health service: that they refuse the call is enough.
    """
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    request = health_pb2.HealthCheckRequest(service=service)
    with grpc.insecure_channel(target, [("grpc.enable_http_proxy", 0)]) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            response, call = stub.Check.with_call(request, timeout=timeout_s)
        except grpc.RpcError as error:
            if any_answer and error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return
            raise Unhealthy(_one_line(f"{error.code().name} {error.details()}")) from error
    if response.status != health_pb2.HealthCheckResponse.SERVING:
        raise Unhealthy(_reason(call.trailing_metadata() or ()))


def _reason(metadata: Sequence[tuple[str, str | bytes]]) -> str:
    from facetkit.health import REASON_KEY

    return str(dict(metadata).get(REASON_KEY) or "not serving")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m facetkit.healthcheck", description=__doc__)
    parser.add_argument("target", help="host:port of a gRPC server, or the http URL of a page")
    parser.add_argument("service", nargs="?", default="", help="default: the server as a whole")
    parser.add_argument("--timeout-s", type=float, default=TIMEOUT_S)
    parser.add_argument("--any-answer", action="store_true", help="the server has no health")
    return parser.parse_args()


if __name__ == "__main__":
    main()
