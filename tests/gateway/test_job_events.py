import asyncio

import pytest

from facetkit.errors import NotFound, NotReady
from gateway.event_streams import EventStreams
from tests.gateway.event_source import PATIENCE_S, listening
from tests.gateway.fake_jobs import JOB_ID, QUEUED, SUCCEEDED, a_job
from tests.gateway.running import Gateway, running_gateway, served
from tests.gateway.test_jobs import JOB, SUMMARY

PATH = f"/api/jobs/{JOB_ID}/events"


async def test_changes_come_as_they_happen_and_the_last_says_so(gateway: Gateway) -> None:
    await gateway.jobs.put(a_job(1, QUEUED))
    async with served(gateway.app) as port, listening(port, PATH) as source:
        assert source.answer.headers["Content-Type"].startswith("text/event-stream")
        assert source.answer.headers["Cache-Control"] == "no-store"
        first = await source.next()
        await gateway.jobs.put(a_job(4))
        second = await source.next()
        await gateway.jobs.put(a_job(9, SUCCEEDED))
        (last,) = await source.rest()
    assert [each.id for each in (first, second, last)] == ["1", "4", "9"]
    assert [each.name for each in (first, second, last)] == ["job", "job", "end"]
    assert first.data == SUMMARY | {"state": "queued"}
    assert second.data == SUMMARY
    assert last.data == JOB | {"state": "succeeded"}


async def test_going_on_after_the_last_event(gateway: Gateway) -> None:
    await gateway.jobs.put(a_job(4))
    async with served(gateway.app) as port:
        async with listening(port, PATH, **{"Last-Event-ID": "4"}) as source:
            await gateway.jobs.until_watched_by(1)
            await gateway.jobs.put(a_job(5))
            assert (await source.next()).id == "5"
        async with listening(port, PATH, **{"Last-Event-ID": "3"}) as source:
            assert (await source.next()).id == "5"


async def test_a_version_that_the_job_has_not_reached_is_none_of_its(gateway: Gateway) -> None:
    await gateway.jobs.put(a_job(4))
    async with served(gateway.app) as port:
        async with listening(port, PATH, **{"Last-Event-ID": "5"}) as source:
            assert (await source.next()).id == "4"


async def test_a_job_that_has_ended(gateway: Gateway) -> None:
    await gateway.jobs.put(a_job(4, SUCCEEDED))
    async with served(gateway.app) as port:
        async with listening(port, PATH) as source:
            (event,) = await source.rest()
        async with listening(port, PATH, **{"Last-Event-ID": "4"}) as source:
            status = source.answer.status_code
    assert (event.id, event.name) == ("4", "end")
    assert status == 204


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("", "must be a whole number"),
        ("last", "must be a whole number"),
        ("-1", "must be at least 0"),
        ("9" * 30, f"must be at most {2**63 - 1}"),
    ],
)
async def test_bad_ids_of_events(gateway: Gateway, sent: str, reason: str) -> None:
    answer = await gateway.http.get(PATH, headers={"Last-Event-ID": sent})
    assert answer.status_code == 400
    assert answer.json()["fields"] == {"Last-Event-ID": reason}
    assert not gateway.jobs.requests


async def test_heartbeats_outlast_the_deadline_of_requests() -> None:
    streams = EventStreams(heartbeat_s=0.1)
    async with running_gateway(streams=streams, deadline_s=0.5) as gateway:
        await gateway.jobs.put(a_job(1))
        async with served(gateway.app) as port, listening(port, PATH) as source:
            beats = 0
            async for received in source.all():
                beats += received.name == ""
                if beats == 8:
                    break
            await gateway.jobs.put(a_job(2, SUCCEEDED))
            assert [event.name for event in await source.rest()] == ["end"]
    assert gateway.jobs.time_remaining[1] is None


async def test_a_stream_begins_within_the_deadline() -> None:
    async with running_gateway(deadline_s=0.2) as gateway:
        gateway.jobs.stuck = True
        answer = await gateway.http.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (504, "deadline")


@pytest.mark.parametrize("body", [b"", b"x", b"xx"])
async def test_leaving_ends_the_watch(gateway: Gateway, body: bytes) -> None:
    await gateway.jobs.put(a_job(1))
    async with served(gateway.app) as port, asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        length = b"Content-Length: 2\r\n" if body else b""
        writer.write(b"GET %b HTTP/1.1\r\nHost: x\r\n%b\r\n%b" % (PATH.encode(), length, body))
        await reader.readuntil(b"id: 1\n")
        await gateway.jobs.until_watched_by(1)
        writer.close()
        await gateway.jobs.until_watched_by(0)


async def test_the_request_id_reaches_the_watch(gateway: Gateway) -> None:
    await gateway.jobs.put(a_job(1))
    async with served(gateway.app) as port:
        async with listening(port, PATH, **{"X-Request-ID": "abc"}) as source:
            assert source.answer.headers["X-Request-ID"] == "abc"
            await source.next()
    assert [sent["x-request-id"] for sent in gateway.jobs.metadata] == ["abc", "abc"]


async def test_a_server_that_stops_does_not_wait_for_streams(gateway: Gateway) -> None:
    await gateway.jobs.put(a_job(1))
    async with asyncio.timeout(PATIENCE_S), served(gateway.app, gateway.streams) as port:
        opened = asyncio.Event()
        listener = asyncio.create_task(listen_to_the_end(port, opened))
        await opened.wait()
    assert await listener == ["job"]
    await gateway.jobs.until_watched_by(0)


async def listen_to_the_end(port: int, opened: asyncio.Event) -> list[str]:
    async with listening(port, PATH) as source:
        first = await source.next()
        opened.set()
        return [first.name, *(event.name for event in await source.rest())]


async def test_streams_that_come_too_late_end_at_once(gateway: Gateway) -> None:
    await gateway.jobs.put(a_job(1))
    gateway.streams.end()
    answer = await gateway.http.get(PATH)
    assert answer.status_code == 200
    assert "event: end" not in answer.text


async def test_too_many_streams() -> None:
    async with running_gateway(streams=EventStreams(max_open=1)) as gateway:
        await gateway.jobs.put(a_job(1))
        async with served(gateway.app) as port, asyncio.timeout(PATIENCE_S):
            async with listening(port, PATH) as source:
                await source.next()
                refused = await gateway.http.get(PATH)
            await gateway.jobs.put(a_job(2, SUCCEEDED))
            while (again := await gateway.http.get(PATH)).status_code == 429:
                await asyncio.sleep(0.01)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert again.status_code == 200


async def test_a_service_that_fails_meanwhile_is_asked_again(gateway: Gateway) -> None:
    await gateway.jobs.put(a_job(1))
    async with served(gateway.app) as port, listening(port, PATH) as source:
        assert (await source.next()).id == "1"
        await gateway.jobs.break_watches(NotReady("stopping"))
        await gateway.jobs.put(a_job(2, SUCCEEDED))
        await gateway.jobs.break_watches(None)
        assert [(event.id, event.name) for event in await source.rest()] == [("2", "end")]


async def test_a_job_that_is_gone_meanwhile_ends_the_stream_without_end(gateway: Gateway) -> None:
    await gateway.jobs.put(a_job(1))
    async with served(gateway.app) as port, listening(port, PATH) as source:
        assert (await source.next()).id == "1"
        await gateway.jobs.break_watches(NotFound("there is no such job"))
        assert await source.rest() == []
