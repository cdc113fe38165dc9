"""The client side of a hop: deadline, one layer of retries, status → the same error class."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from facetkit import deadlines, metrics, request_context
from facetkit.errors import Deadline as DeadlineError
from facetkit.errors import FacetError, kind_of
from facetkit.health import REASON_KEY, Health
from facetkit.wire_errors import STATUS_DETAILS_KEY, from_rpc_error

MAX_MESSAGE_BYTES = 25 * 2**20
MAX_LARGE_MESSAGE_BYTES = 65 * 2**20
"""For calls that carry several images: both sides of the hop must allow it."""
Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)

_ATTEMPTS = 4
_FIRST_BACKOFF_S = 0.1


def channel_options(max_message_bytes: int) -> list[tuple[str, Any]]:
    """Options of every channel; the keepalive finds a frozen peer within 3 s."""
    return [
        ("grpc.max_send_message_length", max_message_bytes),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.lb_policy_name", "round_robin"),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
        ("grpc.dns_min_time_between_resolutions_ms", 5000),
        ("grpc.keepalive_time_ms", 2000),
        ("grpc.keepalive_timeout_ms", 1000),
        ("grpc.http2.ping_timeout_ms", 1000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.enable_retries", 0),
        ("grpc.enable_http_proxy", 0),
    ]


class RpcClient:
    """A channel to one service, `target` as `host:port`."""

    def __init__(self, target: str, *, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        address = target if "://" in target else f"dns:///{target}"
        self.channel = grpc.aio.insecure_channel(address, channel_options(max_message_bytes))
        self._health: Any = health_pb2_grpc.HealthStub(self.channel)

    async def call(
        self,
        method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]",
        request: Request,
        *,
        timeout_s: float | None = None,
    ) -> Response:
        """Calls `method` under the deadline in force, or `timeout_s` where it is shorter.

        A transport that is UNAVAILABLE is tried again with jitter while time is left; an error
        that the other side raised on purpose is not, so that retries live in one layer only.
        Raises the class of FacetError that the other side raised.
        """
        ends_at = _ends_at(timeout_s)
        for attempt in range(_ATTEMPTS):
            try:
                return await self._once(method, request, ends_at)
            except _Unreached as unreached:
                if attempt == _ATTEMPTS - 1 or not await _backed_off(attempt, ends_at):
                    raise unreached.error from unreached
                metrics.CLIENT_RETRIES.labels(_name(method)).inc()
        raise AssertionError("unreachable")

    async def _once(
        self,
        method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]",
        request: Request,
        ends_at: float | None,
    ) -> Response:
        left = _left_s(ends_at)
        with _observed(_name(method)):
            return await method(request, timeout=left, metadata=request_context.metadata())

    async def stream(
        self,
        method: "grpc.aio.UnaryStreamMultiCallable[Request, Response]",
        request: Request,
        *,
        timeout_s: float | None = None,
    ) -> AsyncGenerator[Response, None]:
        """The answers of `method` as they come, under the same deadlines as `call`.

        A stream that breaks is not opened again: only the caller knows from where. Closing the
        generator cancels the call. Raises the class of FacetError that the other side raised.
        """
        left = _left_s(_ends_at(timeout_s))
        responses = method(request, timeout=left, metadata=request_context.metadata())
        try:
            with _observed(_name(method)):
                async for response in responses:
                    yield response
        except _Unreached as unreached:
            raise unreached.error from unreached
        finally:
            responses.cancel()

    async def health(self, service: str = "", *, timeout_s: float = 2.0) -> Health:
        """Whether `service` answers and is ready, with the reason where it is not."""
        call = self._health.Check(health_pb2.HealthCheckRequest(service=service), timeout=timeout_s)
        try:
            response = await call
            trailing: Sequence[tuple[str, str | bytes]] = tuple(
                await call.trailing_metadata() or ()
            )
        except grpc.aio.AioRpcError as error:
            unknown = error.code() is grpc.StatusCode.NOT_FOUND
            told = "the service is not served there" if unknown else from_rpc_error(error).message
            return Health(ready=False, reason=told, served=not unknown)
        reason = next((str(value) for key, value in trailing if key == REASON_KEY), "")
        serving = response.status == health_pb2.HealthCheckResponse.SERVING
        return Health(ready=serving, reason=reason)

    async def close(self) -> None:
        """Closes the channel; calls in flight are cancelled."""
        await self.channel.close()


class _Unreached(Exception):
    def __init__(self, error: FacetError) -> None:
        super().__init__(error.message)
        self.error = error


@contextmanager
def _observed(method: str) -> Iterator[None]:
    """Counts and times a call; gRPC's errors leave the block as ours."""
    started = time.perf_counter()
    code = "cancelled"
    try:
        yield
        code = "ok"
    except grpc.aio.AioRpcError as error:
        facet_error = from_rpc_error(error)
        code = kind_of(facet_error).code
        if _is_transport_failure(error):
            raise _Unreached(facet_error) from error
        raise facet_error from error
    finally:
        metrics.CLIENT_CALLS.labels(method, code).inc()
        metrics.CLIENT_SECONDS.labels(method).observe(time.perf_counter() - started)


def _is_transport_failure(error: grpc.aio.AioRpcError) -> bool:
    raised_by_peer = any(key == STATUS_DETAILS_KEY for key, _ in error.trailing_metadata() or ())
    return error.code() is grpc.StatusCode.UNAVAILABLE and not raised_by_peer


def _ends_at(timeout_s: float | None) -> float | None:
    own = None if timeout_s is None else time.monotonic() + timeout_s
    return min((end for end in (own, deadlines.ends_at()) if end is not None), default=None)


def _left_s(ends_at: float | None) -> float | None:
    if ends_at is None:
        return None
    left = ends_at - time.monotonic()
    if left <= 0:
        raise DeadlineError("the deadline of the request has passed")
    return left


async def _backed_off(attempt: int, ends_at: float | None) -> bool:
    delay = _FIRST_BACKOFF_S * 2**attempt * random.uniform(0.5, 1.5)
    left = None if ends_at is None else ends_at - time.monotonic()
    if left is not None and left < 2 * delay:
        return False
    await asyncio.sleep(delay)
    return True


def _name(method: Any) -> str:
    path = getattr(method, "_method", b"")
    return path.decode() if isinstance(path, bytes) else str(path)
