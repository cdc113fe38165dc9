"""What happens around every RPC on the server: id, log, metrics, errors, deadline."""

import asyncio
import inspect
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any

import grpc
import structlog

from facetkit import deadlines, metrics, request_context
from facetkit.errors import FacetError, kind_of
from facetkit.wire_errors import STATUS_DETAILS_KEY, to_status

log = structlog.get_logger(__name__)

Details = grpc.HandlerCallDetails
Context = Any


class Around(grpc.aio.ServerInterceptor):
    """Runs a context manager around every call, unary or streaming its answer."""

    @abstractmethod
    def around(self, details: Details, context: Context) -> AbstractAsyncContextManager[None]:
        """The context manager for one call."""

    async def intercept_service(
        self,
        continuation: "Callable[[Details], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]]",
        handler_call_details: Details,
    ) -> Any:
        """Wraps the handler; client streams pass unchanged, Facet has none."""
        handler: Any = await continuation(handler_call_details)
        if handler is None or handler.request_streaming:
            return handler
        wrap = self._streaming if handler.response_streaming else self._unary
        make = (
            grpc.unary_stream_rpc_method_handler
            if handler.response_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        behaviour = handler.unary_stream if handler.response_streaming else handler.unary_unary
        return make(
            wrap(handler_call_details, behaviour),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _unary(self, details: Details, behaviour: Any) -> Any:
        async def call(request: Any, context: Context) -> Any:
            async with self.around(details, context):
                return await behaviour(request, context)

        return call

    def _streaming(self, details: Details, behaviour: Any) -> Any:
        # A coroutine that writes, not a generator: a generator that the caller leaves while a
        # response is being sent is finished later and in another task.
        async def call(request: Any, context: Context) -> None:
            async with self.around(details, context):
                try:
                    await _send(behaviour(request, context), context)
                except grpc.aio.InternalError as error:
                    raise _CallerLeft("a response cannot be sent") from error

        return call


class _CallerLeft(asyncio.CancelledError):
    pass


async def _send(answers: Any, context: Context) -> None:
    if inspect.isawaitable(answers):
        await answers
        return
    async with aclosing(answers):
        async for response in answers:
            await context.write(response)


class RequestIds(Around):
    """Takes over the caller's request id and trace, or begins new ones."""

    @asynccontextmanager
    async def around(self, details: Details, context: Context) -> AsyncIterator[None]:
        """Binds the id to the task, its logs and its outgoing calls."""
        sent = {str(key): value for key, value in details.invocation_metadata or ()}
        request_id, trace = (
            sent.get(request_context.REQUEST_ID_KEY),
            sent.get(request_context.TRACEPARENT_KEY),
        )
        request_context.bind(
            request_id if isinstance(request_id, str) else None,
            trace if isinstance(trace, str) else None,
        )
        yield


class AccessLog(Around):
    """One log line and one observation per call; health checks are left out."""

    @asynccontextmanager
    async def around(self, details: Details, context: Context) -> AsyncIterator[None]:
        """Logs and counts the call under its outcome."""
        method = str(details.method)
        if method.startswith("/grpc."):
            yield
            return
        started = time.perf_counter()
        outcome = "cancelled"
        try:
            yield
            outcome = "ok"
        except Exception as error:
            outcome = kind_of(error).code
            raise
        finally:
            seconds = time.perf_counter() - started
            metrics.SERVER_CALLS.labels(method, outcome).inc()
            metrics.SERVER_SECONDS.labels(method).observe(seconds)
            log.info("rpc", method=method, code=outcome, ms=round(seconds * 1e3, 1))


class Errors(Around):
    """FacetError → status with details; anything else → a bare INTERNAL and a traceback here."""

    @asynccontextmanager
    async def around(self, details: Details, context: Context) -> AsyncIterator[None]:
        """Ends the call with the status of what was raised."""
        try:
            yield
        except FacetError as error:
            await _abort(context, error)
        except grpc.aio.AbortError:
            raise
        except (Exception, asyncio.CancelledError) as error:
            if _has_left(error):
                raise
            log.exception("unexpected error", method=details.method)
            await _abort(context, error)


def _has_left(error: BaseException) -> bool:
    # A CancelledError also comes from awaiting something that others cancelled: passed on, it
    # would leave a caller who still waits without an answer.
    if not isinstance(error, asyncio.CancelledError):
        return False
    task = asyncio.current_task()
    return isinstance(error, _CallerLeft) or (task is not None and task.cancelling() > 0)


async def _abort(context: Context, error: BaseException) -> None:
    status = to_status(error)
    await context.abort(
        grpc.StatusCode[kind_of(error).grpc_status],
        status.message,
        ((STATUS_DETAILS_KEY, status.SerializeToString()),),
    )


class Deadlines(Around):
    """Puts the caller's deadline, or the server's own bound, in force for the call."""

    def __init__(self, max_call_s: float) -> None:
        self._max_call_s = max_call_s

    @asynccontextmanager
    async def around(self, details: Details, context: Context) -> AsyncIterator[None]:
        """Runs the call under its deadline."""
        left = context.time_remaining()
        async with deadlines.within(self._max_call_s if left is None else left):
            yield
