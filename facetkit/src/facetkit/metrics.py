"""Prometheus metrics of every service, and the port that serves them."""

import prometheus_client
from prometheus_client import Counter, Histogram

DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 60, 120, 300)

SERVER_CALLS = Counter("facet_rpc_server_calls", "RPCs answered", ["method", "code"])
SERVER_SECONDS = Histogram(
    "facet_rpc_server_seconds", "Time to answer an RPC", ["method"], buckets=DURATION_BUCKETS
)
CLIENT_CALLS = Counter("facet_rpc_client_calls", "RPCs made", ["method", "code"])
CLIENT_SECONDS = Histogram(
    "facet_rpc_client_seconds",
    "Time of an RPC as its caller sees it",
    ["method"],
    buckets=DURATION_BUCKETS,
)
CLIENT_RETRIES = Counter("facet_rpc_client_retries", "RPCs tried again", ["method"])


def serve(host: str, port: int) -> None:
    """Answers GET /metrics on a port of its own, in a daemon thread; port 0 serves nothing."""
    if port:
        prometheus_client.start_http_server(port, addr=host)
