"""Prometheus metrics of the REST side."""

from prometheus_client import Counter, Gauge, Histogram

from facetkit.metrics import DURATION_BUCKETS

REQUESTS = Counter("gateway_requests", "Requests answered", ["method", "route", "code"])
REQUEST_SECONDS = Histogram(
    "gateway_request_seconds",
    "Time to answer a request, reading its body included",
    ["method", "route"],
    buckets=DURATION_BUCKETS,
)
INFLIGHT_BODY_BYTES = Gauge("gateway_inflight_body_bytes", "Body bytes of requests being served")
