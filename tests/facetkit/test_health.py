import asyncio
import logging
from typing import Any

import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from facetkit.health import LIVENESS, Health, HealthBoard
from facetkit.server import FacetServer
from facetkit.testing import serving
from tests.facetkit.fake_embedding import (
    PATIENCE_S,
    SERVICE_NAME,
    Relay,
    connected,
    echoing,
    listening,
    running,
    silent,
)

READY = Health(ready=True)
WARMING = Health(ready=False, reason="weights missing")
STATUS = health_pb2.HealthCheckResponse


async def told(board: HealthBoard, *services: str) -> list[Health]:
    """What a client learns of `services` from a server with this board."""
    async with running(FacetServer(health=board)) as port, connected(port) as client:
        return [await client.health(service) for service in services]


async def test_a_service_starts_as_not_ready() -> None:
    server = FacetServer()
    async with running(server, echoing().service) as port, connected(port) as client:
        assert await client.health(SERVICE_NAME) == Health(ready=False, reason="starting")
        await server.health.report(SERVICE_NAME, READY)
        assert await client.health(SERVICE_NAME) == READY


async def test_the_reason_comes_along_and_goes_again() -> None:
    board = HealthBoard()
    await board.report("hats", WARMING)
    assert await told(board, "hats") == [WARMING]
    await board.report("hats", READY)
    assert await told(board, "hats") == [READY]


@pytest.mark.parametrize(
    ("reason", "seen"),
    [
        ("no weights:\n  hat.bin\x00", "no weights: hat.bin?"),
        ("größer ☃", "gr??er ?"),
        ("x" * 50_000, "x" * 500),
        ("", ""),
    ],
    ids=["lines", "not ASCII", "long", "none"],
)
async def test_any_reason_can_be_told(reason: str, seen: str) -> None:
    board = HealthBoard()
    await board.report("hats", Health(ready=False, reason=reason))
    assert await told(board, "hats") == [Health(ready=False, reason=seen)]


async def test_the_process_is_ready_when_all_services_are() -> None:
    board = HealthBoard()
    await board.report("hats", READY)
    await board.report("shoes", WARMING)
    assert await told(board, "hats", "shoes", "") == [READY, WARMING, WARMING]
    await board.report("shoes", READY)
    assert await told(board, "") == [READY]


async def test_liveness_needs_no_service() -> None:
    board = HealthBoard()
    await board.report("hats", WARMING)
    assert await told(board, LIVENESS, "") == [READY, WARMING]


async def test_a_stuck_process_is_not_ready() -> None:
    server = FacetServer()
    async with running(server, echoing().service) as port, connected(port) as client:
        await server.health.report(SERVICE_NAME, READY)
        await server.health.report(LIVENESS, Health(ready=False, reason="hangs"))
        assert await client.health(LIVENESS) == Health(ready=False, reason="hangs")
        assert await client.health() == Health(ready=False, reason="hangs")
        assert await client.health(SERVICE_NAME) == READY


async def test_stopping_is_final_and_leaves_the_liveness_alone() -> None:
    server = FacetServer()
    stopping = Health(ready=False, reason="stopping")
    async with running(server, echoing().service) as port, connected(port) as client:
        await server.health.enter_graceful_shutdown()
        await server.health.report(SERVICE_NAME, READY)
        assert await client.health(SERVICE_NAME) == stopping
        assert await client.health() == stopping
        assert await client.health(LIVENESS) == READY


async def test_a_service_that_is_not_there(caplog: pytest.LogCaptureFixture) -> None:
    with structlog.testing.capture_logs() as logged, caplog.at_level(logging.WARNING):
        seen = await told(HealthBoard(), "no.such.Service")
    assert seen == [Health(False, "the service is not served there", served=False)]
    assert [entry for entry in logged if entry["log_level"] == "error"] == []
    assert caplog.records == []


async def test_nobody_there() -> None:
    async with listening(Relay(refusals=1000)) as port, connected(port) as client:
        health = await client.health(SERVICE_NAME)
    assert health == Health(ready=False, reason="a service of the mesh cannot be reached")


async def test_somebody_who_never_answers() -> None:
    async with listening(silent) as port, connected(port) as client:
        async with asyncio.timeout(PATIENCE_S):
            health = await client.health(timeout_s=0.1)
    assert not health.ready
    assert health.reason


async def test_watch_follows_the_service() -> None:
    server = FacetServer()
    async with running(server, echoing().service) as port, connected(port) as client:
        stub: Any = health_pb2_grpc.HealthStub(client.channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE_NAME))
        async with asyncio.timeout(PATIENCE_S):
            assert (await watch.read()).status == STATUS.NOT_SERVING
            for health, status in ((READY, STATUS.SERVING), (WARMING, STATUS.NOT_SERVING)):
                await server.health.report(SERVICE_NAME, health)
                assert (await watch.read()).status == status
        watch.cancel()


async def test_serving_reports_its_services_ready() -> None:
    async with serving(echoing().service) as client:
        assert await client.health(SERVICE_NAME) == READY
        assert await client.health() == READY
