import asyncio
import uuid
from typing import Any

import pytest

from facet.vision.v1 import embedding_pb2_grpc
from facetkit import request_context
from facetkit.testing import serving
from tests.facetkit.fake_embedding import Request, Response, embed, fake, named

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

ILL_FORMED = ["", " ", "a b", "a" * 129, "a;b", "<script>", 'a"b', "a,b"]


async def test_id_and_trace_pass_two_hops() -> None:
    seen: list[dict[str, str]] = []

    async def last(request: Request, context: Any) -> Response:
        seen.append(dict(request_context.metadata()))
        return named(request_context.request_id())

    async with serving(fake(last)) as far:

        async def first(request: Request, context: Any) -> Response:
            seen.append(dict(request_context.metadata()))
            return named(await embed(far))

        async def caller() -> str:
            request_context.bind("order-17.a_B", TRACE)
            return await embed(near)

        async with serving(fake(first)) as near:
            assert await asyncio.create_task(caller()) == "order-17.a_B"
    assert seen == [{"x-request-id": "order-17.a_B", "traceparent": TRACE}] * 2


async def test_requests_at_one_time_keep_their_own_ids() -> None:
    both = asyncio.Barrier(2)

    async def handler(request: Request, context: Any) -> Response:
        await both.wait()
        return named(f"{request.texts[0]} {request_context.request_id()}")

    async def caller(name: str) -> str:
        request_context.bind(name)
        return await embed(client, name)

    async with serving(fake(handler)) as client:
        one, two = await asyncio.gather(caller("one"), caller("two"))
    assert (one, two) == ("one one", "two two")


async def over_the_wire(*metadata: tuple[str, str]) -> tuple[str, dict[str, str]]:
    """What a handler sees of these headers."""
    seen: list[tuple[str, dict[str, str]]] = []

    async def handler(request: Request, context: Any) -> Response:
        seen.append((request_context.request_id(), dict(request_context.metadata())))
        return Response()

    async with serving(fake(handler)) as client:
        stub = embedding_pb2_grpc.EmbeddingServiceStub(client.channel)
        await stub.EmbedTexts(Request(), metadata=metadata)
    return seen[0]


@pytest.mark.parametrize("sent", ILL_FORMED)
async def test_an_ill_formed_id_is_replaced(sent: str) -> None:
    seen, onward = await over_the_wire(("x-request-id", sent), ("traceparent", TRACE))
    assert str(uuid.UUID(seen)) == seen
    assert onward == {"x-request-id": seen, "traceparent": TRACE}


async def test_a_missing_id_is_made_up() -> None:
    first, onward = await over_the_wire()
    second, _ = await over_the_wire()
    assert str(uuid.UUID(first)) == first != second
    assert onward == {"x-request-id": first}


@pytest.mark.parametrize("trace", ["", "00", TRACE + "-x", TRACE.upper(), "zz" + TRACE[2:]])
async def test_an_ill_formed_trace_is_dropped(trace: str) -> None:
    seen, onward = await over_the_wire(("x-request-id", "order-17"), ("traceparent", trace))
    assert (seen, onward) == ("order-17", {"x-request-id": "order-17"})


@pytest.mark.parametrize("sent", [*ILL_FORMED, None, "a\nb", "a\n", "é"])
async def test_bind_replaces_what_is_ill_formed(sent: str | None) -> None:
    chosen = await asyncio.create_task(bound(sent))
    assert str(uuid.UUID(chosen)) == chosen


@pytest.mark.parametrize("sent", ["a", "a" * 128, "0-9._Z"])
async def test_bind_keeps_what_is_well_formed(sent: str) -> None:
    assert await asyncio.create_task(bound(sent)) == sent


async def bound(sent: str | None) -> str:
    chosen = request_context.bind(sent)
    assert request_context.request_id() == chosen
    return chosen
