import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
import structlog

from facetkit import deadlines, request_context
from facetkit.client import RpcClient
from facetkit.errors import NotFound, TooLarge
from facetkit.server import ServerLimits
from facetkit.testing import Service, serving
from facetkit.wire_errors import from_rpc_error
from tests.facetkit.fake_embedding import (
    METHOD,
    ROUNDING,
    Held,
    counted,
    echoing,
    embed,
    fake,
    happens,
    holds,
    raising,
)

STREAM = "/facet.test.Streams/Count"


def stream(behaviour: Callable[[bytes, Any], Any]) -> Service:
    """A service with one method that answers in a stream of bytes."""
    handlers: dict[str, Any] = {"Count": grpc.unary_stream_rpc_method_handler(behaviour)}

    def add(servicer: object, server: Any) -> None:
        generic = grpc.method_handlers_generic_handler("facet.test.Streams", handlers)
        server.add_generic_rpc_handlers((generic,))

    return Service("facet.test.Streams", add, object())


def counting(client: RpcClient, **options: Any) -> Any:
    channel: Any = client.channel
    return channel.unary_stream(STREAM)(b"3", **options)


def server_calls(method: str, code: str) -> float:
    return counted("facet_rpc_server_calls_total", method=method, code=code)


async def test_a_generator_streams() -> None:
    async def count(request: bytes, context: Any) -> AsyncIterator[bytes]:
        for number in range(int(request)):
            yield str(number).encode()

    before = server_calls(STREAM, "ok")
    async with serving(stream(count)) as client:
        assert [answer async for answer in counting(client)] == [b"0", b"1", b"2"]
        await holds(lambda: server_calls(STREAM, "ok") == before + 1)


async def test_a_coroutine_that_writes_streams() -> None:
    async def count(request: bytes, context: Any) -> None:
        for number in range(int(request)):
            await context.write(str(number).encode())

    async with serving(stream(count)) as client:
        assert [answer async for answer in counting(client)] == [b"0", b"1", b"2"]


async def test_a_stream_knows_its_request_and_its_deadline() -> None:
    async def tell(request: bytes, context: Any) -> AsyncIterator[bytes]:
        yield request_context.request_id().encode()
        yield str(deadlines.remaining_s()).encode()

    async with serving(stream(tell)) as client:
        metadata = (("x-request-id", "order-17"),)
        name, left = [a async for a in counting(client, metadata=metadata, timeout=9)]
    assert name == b"order-17"
    assert 0 < float(left) <= 9 * ROUNDING


async def test_a_stream_can_fail_half_way() -> None:
    async def count(request: bytes, context: Any) -> AsyncIterator[bytes]:
        yield b"0"
        raise NotFound("no hat", fields={"a": "b"})

    before = server_calls(STREAM, "not_found")
    async with serving(stream(count)) as client:
        call = counting(client)
        assert await call.read() == b"0"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
    error = from_rpc_error(caught.value)
    assert (type(error), error.message, error.fields) == (NotFound, "no hat", {"a": "b"})
    assert server_calls(STREAM, "not_found") == before + 1


async def test_a_stream_ends_at_its_deadline() -> None:
    ended = asyncio.Event()

    async def wait(request: bytes, context: Any) -> AsyncIterator[bytes]:
        try:
            yield b"0"
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with serving(stream(wait)) as client:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            [answer async for answer in counting(client, timeout=0.2)]
        await happens(ended)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("sending", [False, True], ids=["waiting", "sending"])
async def test_leaving_ends_a_stream_where_it_is(sending: bool) -> None:
    tasks: list[Any] = []
    ended = asyncio.Event()

    async def endless(request: bytes, context: Any) -> AsyncIterator[bytes]:
        tasks.append(asyncio.current_task())
        try:
            while True:
                yield bytes(2**20)
                if not sending:
                    await asyncio.Event().wait()
        finally:
            tasks.append(asyncio.current_task())
            ended.set()

    before = server_calls(STREAM, "cancelled")
    with structlog.testing.capture_logs() as logged:
        async with serving(stream(endless)) as client:
            call = counting(client)
            await call.read()
            call.cancel()
            await happens(ended)
            await holds(lambda: server_calls(STREAM, "cancelled") == before + 1)
    assert tasks[0] is tasks[1]
    assert [entry for entry in logged if entry["log_level"] == "error"] == []


async def test_a_streamed_answer_over_the_size() -> None:
    async def tell(request: bytes, context: Any) -> AsyncIterator[bytes]:
        yield b"0"
        yield bytes(20_000)

    limits = ServerLimits(max_message_bytes=10_000)
    async with serving(stream(tell), limits=limits) as client:
        call = counting(client)
        assert await call.read() == b"0"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
    assert type(from_rpc_error(caught.value)) is TooLarge


@pytest.mark.parametrize("error", [NotFound("no hat"), ValueError("no hat")])
async def test_only_the_unexpected_is_logged_as_an_error(error: Exception) -> None:
    with structlog.testing.capture_logs() as logged:
        async with serving(raising(error).service) as client:
            with pytest.raises(Exception, match=r"no hat|internal error"):
                await embed(client)
    errors = [entry["event"] for entry in logged if entry["log_level"] == "error"]
    assert errors == ([] if isinstance(error, NotFound) else ["unexpected error"])


async def test_outcomes_are_counted_and_logged() -> None:
    before = [server_calls(METHOD, code) for code in ("ok", "not_found", "internal")]
    observed = counted("facet_rpc_server_seconds_count", method=METHOD)
    with structlog.testing.capture_logs() as logged:
        for servicer in (echoing(), raising(NotFound("no hat")), raising(ValueError("no hat"))):
            async with serving(servicer.service) as client:
                await asyncio.gather(embed(client), return_exceptions=True)
    after = [server_calls(METHOD, code) for code in ("ok", "not_found", "internal")]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1, 1]
    assert counted("facet_rpc_server_seconds_count", method=METHOD) == observed + 3
    rpcs = [(entry["method"], entry["code"]) for entry in logged if entry["event"] == "rpc"]
    assert rpcs == [(METHOD, "ok"), (METHOD, "not_found"), (METHOD, "internal")]


async def test_a_caller_that_leaves_is_counted() -> None:
    held, before = Held(), server_calls(METHOD, "cancelled")
    async with serving(fake(held)) as client:
        call = asyncio.create_task(embed(client))
        await happens(held.entered)
        call.cancel()
        await holds(lambda: server_calls(METHOD, "cancelled") == before + 1)


async def test_health_checks_are_not_logged() -> None:
    with structlog.testing.capture_logs() as logged:
        async with serving(echoing().service) as client:
            assert (await client.health()).ready
    assert [entry for entry in logged if entry["event"] == "rpc"] == []
