"""Request id, access log line and metrics of every request."""

import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facetkit import request_context
from gateway import metrics
from gateway.event_streams import MEDIA_TYPE

log = structlog.get_logger(__name__)

CALLER_LEFT = 499
"""What logs and metrics call a request whose caller left before the answer."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestLog:
    """Takes over the caller's X-Request-ID and traceparent, and tells how the request went."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = request_context.bind(headers.get("x-request-id"), headers.get("traceparent"))
        answer = _Answer(send, request_id)
        started = time.perf_counter()
        try:
            await self._app(scope, receive, answer.send)
        finally:
            _record(scope, answer, time.perf_counter() - started)


class _Answer:
    """What was sent."""

    def __init__(self, send: Send, request_id: str) -> None:
        self.status = CALLER_LEFT
        self.size = 0
        self.streams = False
        self._send = send
        self._request_id = request_id

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._request_id
            self.streams = headers.get("Content-Type", "").startswith(MEDIA_TYPE)
        else:
            self.size += len(message.get("body", b""))
        await self._send(message)


def _record(scope: Scope, answer: _Answer, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    route = _template(scope)
    metrics.REQUESTS.labels(method, route, str(answer.status)).inc()
    # How long an event stream lasts tells nothing of how fast the gateway is.
    if not answer.streams:
        metrics.REQUEST_SECONDS.labels(method, route).observe(seconds)
    if route not in _PROBES:
        log.info(
            "request",
            method=method,
            path=route,
            status=answer.status,
            ms=round(seconds * 1e3, 1),
            bytes=answer.size,
        )


def _template(scope: Scope) -> str:
    """The route's template: what callers make up must not become a label."""
    if path := getattr(scope.get("route"), "path", None):
        return str(path)
    if "endpoint" in scope and not scope.get("path_params") and not scope.get("root_path"):
        return str(scope["path"])
    return f"{scope['root_path']}/*" if scope.get("root_path") else "(none)"
