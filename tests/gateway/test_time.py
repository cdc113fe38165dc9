import asyncio
from typing import Any

import pytest

from facetkit import deadlines
from tests.gateway.running import Gateway, read_answer, running_gateway, served
from tests.pictures import jpeg

PICTURE = jpeg(1)
HEAD = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
BODY = HEAD + PICTURE + b"\r\n--xyz--\r\n"


REQUEST = (
    b"POST /api/images HTTP/1.1\r\nHost: x\r\n"
    b"Content-Type: multipart/form-data; boundary=xyz\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
)


async def test_a_slow_service_ends_in_504_and_its_call_is_cancelled() -> None:
    async with running_gateway(deadline_s=0.2) as gateway:
        gateway.search.stuck = True
        answer = await gateway.http.post("/api/images", files={"file": ("a", PICTURE)})
        await gateway.search.cancelled.wait()
    assert answer.status_code == 504
    assert answer.json()["code"] == "deadline"
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


async def test_reading_the_body_counts() -> None:
    async with running_gateway(deadline_s=0.2) as gateway, served(gateway.app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST + BODY[:-10])
        answer = await read_answer(reader)
        writer.close()
    assert answer.status == 504
    assert b'"code":"deadline"' in answer.body


async def test_endpoints_see_the_deadline() -> None:
    async with running_gateway(deadline_s=7) as gateway:

        @gateway.app.get("/left")
        async def left() -> float | None:
            return deadlines.remaining_s()

        found = (await gateway.http.get("/left")).json()
    assert 0 < found <= 7


@pytest.mark.parametrize("abrupt", [True, False])
async def test_a_caller_that_leaves_cancels_the_call(gateway: Gateway, abrupt: bool) -> None:
    gateway.search.stuck = True
    async with served(gateway.app) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST + BODY)
        await gateway.search.entered.wait()
        if abrupt:
            writer.transport.abort()
        else:
            writer.close()
        await gateway.search.cancelled.wait()
        await settled()


async def test_a_caller_of_a_route_without_a_body_leaves(gateway: Gateway) -> None:
    gateway.search.stuck = True
    async with served(gateway.app) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /api/search/statistics HTTP/1.1\r\nHost: x\r\n\r\n")
        await gateway.search.entered.wait()
        writer.close()
        await gateway.search.cancelled.wait()
        await settled()


async def test_a_caller_that_leaves_amid_its_body_is_forgotten(gateway: Gateway) -> None:
    async with served(gateway.app) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST + BODY[:100])
        await writer.drain()
        writer.close()
        await settled()
    assert not gateway.search.requests


async def test_one_connection_carries_many_requests(gateway: Gateway) -> None:
    async with served(gateway.app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(REQUEST + BODY)
            assert (await read_answer(reader)).status in {200, 201}
        writer.close()
        await settled()


async def settled() -> None:
    """Returns once nothing of the gateway runs any more."""
    while any(map(of_a_request, asyncio.all_tasks())):
        await asyncio.sleep(0.01)


def of_a_request(task: asyncio.Task[Any]) -> bool:
    name = getattr(task.get_coro(), "__qualname__", "")
    return name.endswith(("run_asgi", "_Caller._watch"))
