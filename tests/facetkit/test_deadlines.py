import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from facetkit import deadlines
from facetkit.client import RpcClient
from facetkit.errors import Deadline
from facetkit.server import ServerLimits
from facetkit.testing import serving
from tests.facetkit.fake_embedding import (
    METHOD,
    PATIENCE_S,
    ROUNDING,
    FakeEmbedding,
    Held,
    Request,
    Response,
    counted,
    echoing,
    embed,
    fake,
    happens,
    named,
)


async def test_the_block_ends_at_the_deadline() -> None:
    with pytest.raises(Deadline, match="the deadline of the request has passed"):
        async with deadlines.within(0.01):
            await asyncio.Event().wait()


async def test_there_is_none_outside() -> None:
    async with deadlines.within(5):
        assert deadlines.remaining_s() is not None
    assert deadlines.remaining_s() is None
    assert deadlines.ends_at() is None
    deadlines.check()


async def test_an_inner_deadline_cannot_be_later() -> None:
    async with deadlines.within(5):
        outer = deadlines.ends_at()
        async with deadlines.within(100):
            assert deadlines.ends_at() == outer
        async with deadlines.within(1):
            assert left() <= 1
        assert deadlines.ends_at() == outer


async def test_an_inner_deadline_passes_alone() -> None:
    async with deadlines.within(PATIENCE_S):
        with pytest.raises(Deadline):
            async with deadlines.within(0.01):
                await asyncio.Event().wait()
        deadlines.check()


async def test_an_outer_deadline_passes_through_an_inner_one() -> None:
    with pytest.raises(Deadline):
        async with deadlines.within(0.01), deadlines.within(PATIENCE_S):
            await asyncio.Event().wait()


async def test_a_child_task_is_held_to_the_deadline() -> None:
    async def child() -> None:
        async with deadlines.within(PATIENCE_S):
            await asyncio.Event().wait()

    async with asyncio.timeout(PATIENCE_S / 2):
        task = await started_within(0.01, child())
        with pytest.raises(Deadline):
            await task


async def started_within(seconds: float, work: Any) -> "asyncio.Task[None]":
    async with deadlines.within(seconds):
        return asyncio.create_task(work)


async def test_a_timeout_of_the_block_itself_is_none_of_the_deadline() -> None:
    with pytest.raises(TimeoutError, match="the socket's"):
        async with deadlines.within(PATIENCE_S):
            raise TimeoutError("the socket's")


@asynccontextmanager
async def used_up() -> AsyncIterator[None]:
    """The time has passed, but nothing has interrupted the block yet."""
    async with deadlines.within(0.01):
        time.sleep(0.02)
        yield


async def test_check_tells_when_the_time_is_used_up() -> None:
    with pytest.raises(Deadline):
        async with used_up():
            deadlines.check()


async def test_every_hop_has_no_more_time_than_the_one_before() -> None:
    seen: list[float] = []

    async def last(request: Request, context: Any) -> Response:
        seen.extend((left(), context.time_remaining()))
        return named("last")

    async with serving(fake(last)) as far:

        async def first(request: Request, context: Any) -> Response:
            seen.append(left())
            return named(await embed(far))

        async with serving(fake(first)) as near:
            assert await embed(near, timeout_s=7) == "last"
    near_s, far_s, far_grpc_s = seen
    assert 0 < near_s <= 7 * ROUNDING
    assert 0 < far_s <= near_s * ROUNDING
    assert 0 < far_grpc_s <= near_s * ROUNDING


async def test_a_shorter_time_of_the_call_counts() -> None:
    async def handler(request: Request, context: Any) -> Response:
        return named(str(left()))

    async with serving(fake(handler)) as client, deadlines.within(100):
        assert float(await embed(client, timeout_s=3)) <= 3 * ROUNDING
        assert 3 * ROUNDING < float(await embed(client, timeout_s=200)) <= 100 * ROUNDING
        assert 3 * ROUNDING < float(await embed(client)) <= 100 * ROUNDING


async def test_without_time_there_is_no_call() -> None:
    servicer = echoing()
    before = calls_made()
    async with serving(servicer.service) as client:
        with pytest.raises(Deadline):
            async with used_up():
                await embed(client)
        with pytest.raises(Deadline):
            await embed(client, timeout_s=0)
        assert await embed(client) == "hat"
    assert servicer.calls == 1
    assert calls_made() == before + 1


async def test_the_servers_own_bound_is_in_force_where_the_caller_has_none() -> None:
    held, seen = Held(), []

    async def handler(request: Request, context: Any) -> Response:
        seen.append((context.time_remaining(), left()))
        return await held(request, context)

    async with serving(fake(handler), limits=ServerLimits(max_call_s=0.1)) as client:
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(Deadline):
                await embed(client)
    assert held.cancelled.is_set()
    assert seen[0][0] is None
    assert seen[0][1] <= 0.1


async def test_the_callers_deadline_interrupts_the_handler() -> None:
    held = Held()
    async with serving(fake(held)) as client:
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(Deadline):
                await embed(client, timeout_s=0.1)
        await happens(held.cancelled)


async def test_a_deadline_two_hops_away_interrupts_every_handler() -> None:
    far_held = Held()
    async with serving(fake(far_held)) as far:
        near_servicer = forwarding(far)
        async with serving(near_servicer.service) as near:
            with pytest.raises(Deadline):
                await embed(near, timeout_s=0.2)
            await happens(far_held.cancelled)
    assert near_servicer.calls == 1


def forwarding(to: RpcClient) -> FakeEmbedding:
    async def handler(request: Request, context: Any) -> Response:
        return named(await embed(to))

    return FakeEmbedding(handler)


def left() -> float:
    seconds = deadlines.remaining_s()
    assert seconds is not None
    return seconds


def calls_made() -> float:
    codes = ("ok", "deadline", "cancelled", "unavailable")
    return sum(counted("facet_rpc_client_calls_total", method=METHOD, code=code) for code in codes)
