import asyncio
import json
from base64 import b64decode, b64encode
from typing import Any

import httpx
import pytest

from facetkit.errors import NotReady
from gateway.event_streams import EventStreams
from tests.gateway.event_source import PATIENCE_S, asking
from tests.gateway.fake_generation import FIRST_SEED, PREVIEW
from tests.gateway.running import Gateway, running_gateway, served
from tests.gateway.test_time import settled
from tests.pictures import png

PATH = "/generate?stream=true"
ID = "a1b2c3d4-5678-9101-1121-314151617181"
BODY = {"prompt": "a gold ring", "samples": 2, "labels": "ring"}


async def test_the_way_to_a_picture(gateway: Gateway) -> None:
    async with served(gateway.app) as port:
        async with asking(port, PATH, BODY, **{"X-Request-ID": ID}) as source:
            assert source.answer.status_code == 200
            assert source.answer.headers["Content-Type"].startswith("text/event-stream")
            assert source.answer.headers["Cache-Control"] == "no-store"
            queued, first, second, done = await source.rest()
    assert [each.id for each in (queued, first, second, done)] == [""] * 4
    assert (queued.name, queued.data) == ("queued", {"position": 2})
    assert (first.name, first.data) == ("progress", {"step": 1, "steps": 2})
    assert (second.name, second.data.pop("preview")) == ("progress", b64encode(PREVIEW).decode())
    assert second.data == {"step": 2, "steps": 2}
    assert done.name == "done"
    assert done.data["request_id"] == ID
    assert b64decode(done.data["generated_image"]) == png(FIRST_SEED)
    assert done.data["clip_analysis"] == {"concepts": ["ring"], "confidence_scores": {"ring": 0.5}}
    assert gateway.generation.requests[0].previews
    assert gateway.generation.metadata[0]["x-request-id"] == ID


async def test_the_last_event_is_the_answer_of_the_same_call_without_streaming(
    gateway: Gateway,
) -> None:
    body = BODY | {"count": 2, "seed": 3}
    headers = {"X-Request-ID": ID}
    plain = await gateway.http.post("/generate", json=body, headers=headers)
    streamed = await gateway.http.post(PATH, json=body, headers=headers)
    assert last(streamed) == ("done", plain.json())


async def test_events_come_as_they_happen(gateway: Gateway) -> None:
    gateway.generation.going.clear()
    async with served(gateway.app) as port, asking(port, PATH, BODY) as source:
        assert (await source.next()).name == "queued"
        assert (await source.next()).data == {"step": 1, "steps": 2}
        gateway.generation.going.set()
        assert (await source.next()).data["step"] == 2
        assert [event.name for event in await source.rest()] == ["done"]


@pytest.mark.parametrize(
    ("error", "code"),
    [(NotReady("the worker hangs", retry_after_s=1), "not_ready"), (ValueError("x"), "internal")],
)
async def test_a_failure_on_the_way_is_the_last_event(
    gateway: Gateway, error: Exception, code: str
) -> None:
    gateway.generation.breaks_with = error
    async with served(gateway.app) as port:
        async with asking(port, PATH, BODY, **{"X-Request-ID": "abc"}) as source:
            *_, told = await source.rest()
    assert told.name == "error"
    assert (told.data["code"], told.data["request_id"]) == (code, "abc")
    assert told.data["error"] == ("the worker hangs" if code == "not_ready" else "internal error")


async def test_a_call_that_ends_without_a_picture(gateway: Gateway) -> None:
    gateway.generation.ends_early = True
    name, data = last(await gateway.http.post(PATH, json=BODY))
    assert (name, data["code"]) == ("error", "unavailable")


async def test_the_deadline_is_the_last_event() -> None:
    async with running_gateway(generate_deadline_s=0.5) as gateway:
        gateway.generation.going.clear()
        async with served(gateway.app) as port, asking(port, PATH, BODY) as source:
            *_, told = await source.rest()
        await gateway.generation.until_unfinished("a gold ring")
    assert (told.name, told.data["code"]) == ("error", "deadline")


async def test_a_picture_is_answered_where_clip_cannot_be(gateway: Gateway) -> None:
    gateway.embedding.fails_with = NotReady("the model is loading")
    name, data = last(await gateway.http.post(PATH, json=BODY))
    assert name == "done"
    assert data["clip_analysis"]["error"] == "the model is loading"


@pytest.mark.parametrize("change", [{"prompt": ""}, {"samples": 0}, {"init_image": "?"}])
async def test_bad_fields_are_a_status(gateway: Gateway, change: dict[str, Any]) -> None:
    answer = await gateway.http.post(PATH, json=BODY | change)
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == list(change)
    assert not gateway.generation.requests


async def test_a_caller_that_leaves_cancels_its_own_picture_alone(gateway: Gateway) -> None:
    gateway.generation.going.clear()
    async with served(gateway.app) as port, asking(port, PATH, BODY) as staying:
        assert (await staying.next()).name == "queued"
        async with asking(port, PATH, BODY | {"prompt": "leaves"}) as leaving:
            assert (await leaving.next()).name == "queued"
            assert (await leaving.next()).name == "progress"
        await gateway.generation.until_unfinished("leaves")
        gateway.generation.going.set()
        *_, done = await staying.rest()
    await settled()
    assert done.name == "done"
    assert gateway.generation.unfinished == ["leaves"]


async def test_a_caller_that_leaves_before_the_first_event(gateway: Gateway) -> None:
    gateway.generation.stuck = True
    async with served(gateway.app) as port, httpx.AsyncClient() as http:
        asking = asyncio.create_task(http.post(f"http://127.0.0.1:{port}{PATH}", json=BODY))
        await gateway.generation.entered.wait()
        asking.cancel()
        await gateway.generation.cancelled.wait()
        await asyncio.wait([asking])
        await settled()


async def test_heartbeats_come_while_nothing_happens() -> None:
    streams = EventStreams(heartbeat_s=0.05)
    async with running_gateway(streams=streams, deadline_s=0.2) as gateway:
        gateway.generation.going.clear()
        async with served(gateway.app) as port, asking(port, PATH, BODY) as source:
            beats = 0
            async for received in source.all():
                beats += received.name == ""
                if beats == 8:
                    break
            gateway.generation.going.set()
            *_, done = await source.rest()
    assert done.name == "done"


async def test_too_many_streams_ask_for_nothing() -> None:
    async with running_gateway(streams=EventStreams(max_open=1)) as gateway:
        gateway.generation.going.clear()
        async with served(gateway.app) as port, asking(port, PATH, BODY) as source:
            await source.next()
            refused = await gateway.http.post(PATH, json=BODY)
            gateway.generation.going.set()
            await source.rest()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert len(gateway.generation.requests) == 1


async def test_a_server_that_stops_lets_pictures_come_to_their_end(gateway: Gateway) -> None:
    gateway.generation.going.clear()
    async with asyncio.timeout(PATIENCE_S), served(gateway.app, gateway.streams) as port:
        listener = asyncio.create_task(names_of_all_events(port))
        await gateway.generation.until_asked(1)
        gateway.streams.end()
        gateway.generation.going.set()
    assert await listener == ["queued", "progress", "progress", "done"]


async def names_of_all_events(port: int) -> list[str]:
    async with asking(port, PATH, BODY) as source:
        return [event.name for event in await source.rest()]


def last(answer: httpx.Response) -> tuple[str, Any]:
    """Name and data of the last event."""
    *_, event = answer.text.strip().split("\n\n")
    name, data = event.split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))
