import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from facetkit.client import RpcClient
from facetkit.errors import Overloaded, Unavailable
from facetkit.health import LIVENESS, Health
from facetkit.server import FacetServer, ServerLimits
from facetkit.testing import serving
from tests.facetkit.fake_embedding import (
    PATIENCE_S,
    SERVICE_NAME,
    Held,
    connected,
    echoing,
    embed,
    fake,
    happens,
    running,
)

ROOT = Path(__file__).parents[2]

PROGRAM = """
import asyncio, sys
from facetkit.health import Health
from facetkit.server import FacetServer
from tests.facetkit.fake_embedding import SERVICE_NAME, echoing

async def main():
    server, service = FacetServer(), echoing().service
    await server.register(service.name, service.add, service.servicer)
    await server.health.report(SERVICE_NAME, Health(ready=True))
    print(await server.start("127.0.0.1:0"), file=sys.stderr, flush=True)
    await server.run_until_signal(drain_s=1.0, grace_s=5.0)
    print("stopped", file=sys.stderr, flush=True)

asyncio.run(main())
"""


async def test_a_taken_port_is_an_error() -> None:
    async with running(FacetServer()) as port:
        second = FacetServer()
        with pytest.raises(RuntimeError, match=str(port)):
            await second.start(f"127.0.0.1:{port}")
        assert second.port == 0


async def test_the_port_is_known() -> None:
    server = FacetServer()
    async with running(server) as port:
        assert server.port == port > 0


async def test_reflection_lists_the_services() -> None:
    async with serving(echoing().service) as client:
        channel: Any = client.channel
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        ask = reflection_pb2.ServerReflectionRequest(list_services="")
        answers = [answer async for answer in stub.ServerReflectionInfo(iter([ask]))]
    names = {service.name for service in answers[0].list_services_response.service}
    assert names == {
        SERVICE_NAME,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


async def test_too_many_calls_are_refused_at_once() -> None:
    held = Held()
    async with serving(fake(held), limits=ServerLimits(max_concurrent_rpcs=1)) as client:
        first = asyncio.create_task(embed(client))
        await happens(held.entered)
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(Overloaded) as caught:
                await embed(client)
        assert caught.value.retry_after_s == 1.0
        held.release.set()
        assert await first == "released"
        assert await embed(client) == "released"


async def test_stopping_ends_new_calls_but_not_those_in_flight() -> None:
    held, server = Held(), FacetServer()
    async with running(server, fake(held)) as port, connected(port) as client:
        in_flight = asyncio.create_task(embed(client))
        await happens(held.entered)
        stopping = asyncio.create_task(server.stop(PATIENCE_S))
        async with connected(port) as late, asyncio.timeout(PATIENCE_S / 2):
            await refused(late)
        assert not stopping.done()
        held.release.set()
        assert await in_flight == "released"
        await stopping
    assert not held.cancelled.is_set()


async def refused(client: RpcClient) -> None:
    while (await client.health(LIVENESS)).ready:
        await asyncio.sleep(0.01)
    with pytest.raises(Unavailable):
        await embed(client)


async def test_stopping_waits_no_longer_than_the_grace() -> None:
    held, server = Held(), FacetServer()
    async with running(server, fake(held)) as port, connected(port) as client:
        in_flight = asyncio.create_task(embed(client))
        await happens(held.entered)
        async with asyncio.timeout(PATIENCE_S):
            await server.stop(0.05)
            with pytest.raises(Unavailable):
                await in_flight
        await happens(held.cancelled)


async def test_a_signal_drains_then_stops() -> None:
    async with program() as process:
        assert process.stderr is not None
        port = int(await process.stderr.readline())
        async with connected(port) as client:
            await served(client)
            process.send_signal(signal.SIGTERM)
            await drained(client)
        assert await process.stderr.readline() == b"stopped\n"
        assert await process.wait() == 0


async def served(client: RpcClient) -> None:
    assert await client.health() == Health(ready=True)
    assert await embed(client) == "hat"


async def drained(client: RpcClient) -> None:
    """Waits for NOT_SERVING; until the drain is over calls are still answered."""
    stub: Any = health_pb2_grpc.HealthStub(client.channel)
    async for answer in stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE_NAME)):
        if answer.status == health_pb2.HealthCheckResponse.NOT_SERVING:
            break
    assert await client.health(SERVICE_NAME) == Health(ready=False, reason="stopping")
    assert await client.health(LIVENESS) == Health(ready=True)
    assert await embed(client) == "hat"


@asynccontextmanager
async def program() -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", PROGRAM),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
