"""What travels with a request through every hop: its id and its trace."""

import re
import uuid
from contextvars import ContextVar

import structlog

REQUEST_ID_KEY = "x-request-id"
TRACEPARENT_KEY = "traceparent"

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_traceparent: ContextVar[str] = ContextVar("traceparent", default="")

_VALID_ID = re.compile(r"[A-Za-z0-9._\-]{1,128}")
_VALID_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def bind(request_id: str | None, traceparent: str | None = None) -> str:
    """Makes `request_id` the current task's, or a new one where it is missing or ill-formed."""
    valid = bool(request_id and _VALID_ID.fullmatch(request_id))
    chosen = request_id if request_id and valid else str(uuid.uuid4())
    _request_id.set(chosen)
    trace = traceparent if traceparent and _VALID_TRACEPARENT.fullmatch(traceparent) else ""
    _traceparent.set(trace)
    structlog.contextvars.bind_contextvars(request_id=chosen)
    return chosen


def request_id() -> str:
    """The id of the request being served; empty outside of one."""
    return _request_id.get()


def metadata() -> tuple[tuple[str, str], ...]:
    """The gRPC metadata that carries the request's id and trace to the next hop."""
    pairs = ((REQUEST_ID_KEY, _request_id.get()), (TRACEPARENT_KEY, _traceparent.get()))
    return tuple((key, value) for key, value in pairs if value)
