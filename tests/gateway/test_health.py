import asyncio
from collections.abc import Awaitable, Callable

import httpx
from fastapi import FastAPI

from facetkit.client import RpcClient
from facetkit.health import Health
from facetkit.server import FacetServer
from gateway.health import Downstream, HealthEndpoints, Readiness
from gateway.search.client import SEARCH_SERVICE
from gateway.vision.client import EMBEDDING_SERVICE, VisionClient
from gateway.vision.generation_client import GENERATION_SERVICE
from tests.gateway.fakes import FakeEmbedding, FakeSearch
from tests.gateway.running import ADD_EMBEDDING, ADD_SEARCH, Gateway, in_process


async def started(service: str) -> FacetServer:
    server = FacetServer()
    if service == EMBEDDING_SERVICE:
        await server.register(service, ADD_EMBEDDING, FakeEmbedding())
    else:
        await server.register(service, ADD_SEARCH, FakeSearch())
    await server.start("127.0.0.1:0")
    return server


async def until(
    ask: Callable[[], Awaitable[httpx.Response]], state: str, service: str
) -> httpx.Response:
    while (answer := await ask()).json()["services"][service]["state"] != state:
        await asyncio.sleep(0.05)
    return answer


async def test_alive(gateway: Gateway) -> None:
    answer = await gateway.http.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_ready(gateway: Gateway) -> None:
    answer = await gateway.http.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "model_set": "demo",
        "services": {
            "vision-models": {"state": "ready", "reason": ""},
            "vision-models-caption": {"state": "ready", "reason": ""},
            "vision-models-generation": {"state": "ready", "reason": ""},
            "vision-models-segmentation": {"state": "ready", "reason": ""},
            "search": {"state": "ready", "reason": ""},
        },
    }


async def test_becomes_ready_once_and_stays_so() -> None:
    vision, search = await started(EMBEDDING_SERVICE), await started(SEARCH_SERVICE)
    channels = [RpcClient(f"127.0.0.1:{server.port}") for server in (vision, search)]
    downstreams = [
        Downstream("vision-models", EMBEDDING_SERVICE, channels[0]),
        Downstream("search", SEARCH_SERVICE, channels[1]),
    ]
    readiness = Readiness(downstreams, VisionClient(channels[0]).model_set, cache_s=0)
    app = FastAPI()
    app.include_router(HealthEndpoints(readiness).router)
    async with in_process(app) as http:

        async def ask() -> httpx.Response:
            return await http.get("/readyz")

        starting = await ask()
        await vision.health.report(EMBEDDING_SERVICE, Health(ready=True))
        half = await until(ask, "ready", "vision-models")
        await search.health.report(SEARCH_SERVICE, Health(ready=True))
        ready = await until(ask, "ready", "search")
        await search.health.report(SEARCH_SERVICE, Health(ready=False, reason="catching up"))
        busy = await until(ask, "not_ready", "search")
        await vision.stop(0)
        dead = await until(ask, "unreachable", "vision-models")
    for channel in channels:
        await channel.close()
    await search.stop(0)
    assert [answer.status_code for answer in (starting, half, ready, busy, dead)] == [
        *(503, 503),
        *(200, 200, 200),
    ]
    assert starting.headers["Retry-After"] == "1"
    assert starting.json()["services"]["search"] == {"state": "not_ready", "reason": "starting"}
    assert (half.json()["ready"], ready.json()["ready"]) == (False, True)
    assert busy.json()["services"]["search"]["reason"] == "catching up"
    assert dead.json()["model_set"] is None
    assert dead.json()["services"]["search"]["state"] == "not_ready"


async def test_what_the_mesh_is_set_up_without_is_told_and_not_waited_for() -> None:
    vision = await started(EMBEDDING_SERVICE)
    channel = RpcClient(f"127.0.0.1:{vision.port}")
    downstreams = [
        Downstream("vision-models", EMBEDDING_SERVICE, channel),
        Downstream("vision-models-generation", GENERATION_SERVICE, channel),
    ]
    readiness = Readiness(downstreams, VisionClient(channel).model_set, cache_s=0)
    app = FastAPI()
    app.include_router(HealthEndpoints(readiness).router)
    async with in_process(app) as http:

        async def ask() -> httpx.Response:
            return await http.get("/readyz")

        starting = await ask()
        await vision.health.report(EMBEDDING_SERVICE, Health(ready=True))
        ready = await until(ask, "ready", "vision-models")
    await channel.close()
    await vision.stop(0)
    assert (starting.status_code, ready.status_code) == (503, 200)
    assert ready.json()["services"]["vision-models-generation"] == {
        "state": "not_served",
        "reason": "",
    }


async def test_many_probes_ask_together(gateway: Gateway) -> None:
    answers = await asyncio.gather(*(gateway.http.get("/readyz") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
