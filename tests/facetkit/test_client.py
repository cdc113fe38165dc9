import asyncio
from typing import Any

import pytest

from facetkit import deadlines
from facetkit.errors import Deadline, FacetError, NotReady, TooLarge, Unavailable
from facetkit.server import FacetServer, ServerLimits
from facetkit.testing import serving
from tests.facetkit.fake_embedding import (
    METHOD,
    PATIENCE_S,
    Held,
    Relay,
    Request,
    Response,
    connected,
    counted,
    echoing,
    embed,
    fake,
    happens,
    holds,
    listening,
    named,
    raising,
    running,
)
from tests.ports import free_port


def retries() -> float:
    return counted("facet_rpc_client_retries_total", method=METHOD)


def calls(code: str) -> float:
    return counted("facet_rpc_client_calls_total", method=METHOD, code=code)


async def test_a_server_that_comes_up_late_is_reached() -> None:
    port, refused = free_port(), calls("unavailable")
    server, servicer = FacetServer(), echoing()
    await server.register(servicer.service.name, servicer.service.add, servicer)
    async with connected(port) as client:
        answer = asyncio.create_task(embed(client))
        await holds(lambda: calls("unavailable") > refused)
        await server.start(f"127.0.0.1:{port}")
        assert await answer == "hat"
        await server.stop(0)
    assert servicer.calls == 1


async def test_a_connection_that_breaks_is_tried_again() -> None:
    before = retries()
    servicer = echoing()
    async with running(FacetServer(), servicer.service) as port:
        async with (
            listening(Relay(refusals=1, target=port)) as relayed,
            connected(relayed) as client,
        ):
            assert await embed(client) == "hat"
    assert servicer.calls == 1
    assert retries() > before


async def test_nobody_there_is_unavailable_after_some_tries() -> None:
    before = retries()
    async with connected(free_port()) as client:
        with pytest.raises(Unavailable) as caught:
            await embed(client)
    assert caught.value.retry_after_s == 1.0
    assert retries() == before + 3


@pytest.mark.parametrize("error", [NotReady("warming up"), Unavailable("no vector store")])
async def test_what_the_other_side_says_on_purpose_is_asked_once(error: FacetError) -> None:
    servicer, before = raising(error), retries()
    async with serving(servicer.service) as client:
        with pytest.raises(type(error), match=error.message):
            await embed(client)
    assert servicer.calls == 1
    assert retries() == before


async def test_retries_end_with_the_time_of_the_call() -> None:
    before = retries()
    async with connected(free_port()) as client:
        with pytest.raises((Unavailable, Deadline)):
            await embed(client, timeout_s=0.05)
    assert retries() == before


async def test_retries_end_with_the_deadline() -> None:
    before = retries()
    async with connected(free_port()) as client:
        with pytest.raises((Unavailable, Deadline)):
            async with deadlines.within(0.05):
                await embed(client)
    assert retries() == before


async def test_a_call_in_flight_when_the_server_dies_is_made_again() -> None:
    held, port = Held(), free_port()
    first, second = FacetServer(), FacetServer()
    for server, service in ((first, fake(held)), (second, echoing().service)):
        await server.register(service.name, service.add, service.servicer)
    await first.start(f"127.0.0.1:{port}")
    relay = Relay(refusals=0, target=port)
    async with listening(relay) as relayed, connected(relayed) as client:
        answer = asyncio.create_task(embed(client))
        await happens(held.entered)
        relay.target = await second.start("127.0.0.1:0")
        relay.cut()
        assert await answer == "hat"
    await first.stop(0)
    await second.stop(0)


async def test_a_server_that_was_away_for_seconds_is_found_at_once() -> None:
    relay = Relay(refusals=11)
    async with running(FacetServer(), echoing().service) as relay.target:
        async with listening(relay) as relayed, connected(relayed) as client:
            with pytest.raises(Unavailable):
                await embed(client)
            # So many attempts last 6 s; 18 s where the waits grow without bound, minutes with
            # gRPC's own.
            async with asyncio.timeout(12):
                await relay.refused.wait()
                assert await answered(client) == "hat"


async def answered(client: Any) -> str:
    while True:
        try:
            return await embed(client)
        except Unavailable:
            continue


async def test_leaving_reaches_the_handler() -> None:
    held, before = Held(), (calls("cancelled"), calls("ok"))
    async with serving(fake(held)) as client:
        call = asyncio.create_task(embed(client))
        await happens(held.entered)
        call.cancel()
        await happens(held.cancelled)
        with pytest.raises(asyncio.CancelledError):
            await call
    assert (calls("cancelled"), calls("ok")) == (before[0] + 1, before[1])


async def test_leaving_reaches_the_handler_two_hops_away() -> None:
    held = Held()
    async with serving(fake(held)) as far:

        async def forward(request: Request, context: Any) -> Response:
            return named(await embed(far))

        async with serving(fake(forward)) as near:
            call = asyncio.create_task(embed(near))
            await happens(held.entered)
            call.cancel()
            await happens(held.cancelled)


async def test_outcomes_are_counted() -> None:
    before = calls("ok"), calls("not_ready"), seconds_count()
    async with serving(echoing().service) as client:
        await embed(client)
    async with serving(raising(NotReady("warming up")).service) as client:
        with pytest.raises(NotReady):
            await embed(client)
    after = calls("ok"), calls("not_ready"), seconds_count()
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1, 2]


def seconds_count() -> float:
    return counted("facet_rpc_client_seconds_count", method=METHOD)


@pytest.mark.parametrize("size", [5 * 2**20, 24 * 2**20])
async def test_an_image_passes_both_ways(size: int) -> None:
    async with serving(echoing().service) as client:
        assert len(await embed(client, "x" * size)) == size


async def test_a_request_over_the_servers_size() -> None:
    servicer = echoing()
    async with serving(servicer.service, limits=ServerLimits(max_message_bytes=10_000)) as client:
        with pytest.raises(TooLarge):
            await embed(client, "x" * 20_000)
        assert await embed(client, "x" * 9_000)
    assert servicer.calls == 1


def telling(size: int) -> Any:
    async def handler(request: Request, context: Any) -> Response:
        return named("x" * size)

    return fake(handler)


async def test_an_answer_over_the_servers_size() -> None:
    async with serving(telling(20_000), limits=ServerLimits(max_message_bytes=10_000)) as client:
        with pytest.raises(TooLarge):
            await embed(client)


async def test_an_answer_over_the_clients_size() -> None:
    async with running(FacetServer(), telling(20_000)) as port:
        async with connected(port, max_message_bytes=10_000) as client:
            with pytest.raises(TooLarge):
                await embed(client)


async def test_a_request_over_the_clients_size() -> None:
    servicer = echoing()
    async with running(FacetServer(), servicer.service) as port:
        async with connected(port, max_message_bytes=10_000) as client:
            with pytest.raises(TooLarge):
                await embed(client, "x" * 20_000)
    assert servicer.calls == 0


async def test_calls_at_one_time_all_get_their_own_answer() -> None:
    async with serving(echoing().service) as client, asyncio.timeout(PATIENCE_S):
        texts = [str(index) for index in range(200)]
        assert await asyncio.gather(*(embed(client, text) for text in texts)) == texts
