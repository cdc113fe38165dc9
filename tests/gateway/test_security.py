import asyncio

import pytest

from gateway.documented_example import EXAMPLE_KEY
from tests.gateway.fake_jobs import JOB_ID, a_job
from tests.gateway.running import Gateway, read_answer, running_gateway, served
from tests.pictures import jpeg

DATA = [
    ("POST", "/upload"),
    ("POST", "/api/images"),
    ("DELETE", "/api/images?key=images/a.jpg"),
    ("POST", "/api/search"),
    ("GET", "/api/search/statistics"),
    ("POST", "/api/search/sync"),
    ("GET", "/api/duplicates"),
    ("GET", "/api/jobs"),
    ("GET", f"/api/jobs/{JOB_ID}"),
    ("GET", f"/api/jobs/{JOB_ID}/events"),
    ("POST", f"/api/jobs/{JOB_ID}/cancel"),
    ("POST", f"/api/jobs/{JOB_ID}/resume"),
    ("POST", f"/api/jobs/{JOB_ID}/retry-failed"),
    ("POST", "/api/caption-images"),
    ("POST", "/api/caption-collective-images"),
    ("GET", "/api/caption-models"),
]
OPEN = [
    "/",
    "/search",
    "/session",
    "/static/style.css",
    "/healthz",
    "/readyz",
    "/metrics",
    "/docs",
    "/docs/static/docs.js",
    "/openapi.json",
]


@pytest.mark.parametrize(("method", "path"), DATA)
@pytest.mark.parametrize("sent", [None, b"", b"wrong", "ключ".encode(), b"a-ke"])
async def test_data_routes_need_a_key_once_there_is_one(
    method: str, path: str, sent: bytes | None
) -> None:
    async with running_gateway(api_key="a-key") as gateway:
        headers = {} if sent is None else {b"X-API-Key": sent}
        answer = await gateway.http.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    assert answer.headers["WWW-Authenticate"] == "ApiKey"
    assert not gateway.search.requests
    assert not gateway.jobs.requests


@pytest.mark.parametrize("key", ["a-key", "first", "second"])
async def test_every_key_is_good(key: str) -> None:
    async with running_gateway(api_key="a-key", api_keys="one:first, two:second") as gateway:
        answer = await gateway.http.get("/api/search/statistics", headers={"X-API-Key": key})
    assert answer.status_code == 200


@pytest.mark.parametrize(("method", "path"), DATA)
async def test_without_any_key_everybody_passes(gateway: Gateway, method: str, path: str) -> None:
    gateway.search.job.CopyFrom(a_job())
    assert (await gateway.http.request(method, path)).status_code != 401


@pytest.mark.parametrize("path", OPEN)
async def test_open_routes_never_need_a_key(path: str) -> None:
    async with running_gateway(api_key="a-key") as gateway:
        assert (await gateway.http.get(path)).status_code in {200, 307}


async def test_the_body_is_not_read_before_the_key_is_checked() -> None:
    async with running_gateway(api_key="a-key") as gateway, served(gateway.app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /api/images HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n")
        answer = await read_answer(reader)
        writer.close()
    assert answer.status == 401


@pytest.mark.parametrize(
    ("public", "key", "sent", "status"),
    [
        (True, "a-key", None, 200),
        (True, "", None, 200),
        (False, "a-key", None, 401),
        (False, "a-key", "wrong", 401),
        (False, "a-key", "a-key", 200),
        (False, "", None, 401),
    ],
)
async def test_objects(public: bool, key: str, sent: str | None, status: int) -> None:
    async with running_gateway(api_key=key, objects_public=public) as gateway:
        await gateway.objects.put(EXAMPLE_KEY, jpeg(1), content_type="image/jpeg")
        headers = {"X-API-Key": sent} if sent else {}
        answer = await gateway.http.get(f"/objects/{EXAMPLE_KEY}", headers=headers)
        head = await gateway.http.head(f"/objects/{EXAMPLE_KEY}", headers=headers)
    assert (answer.status_code, head.status_code) == (status, status)
    kept_by = "public" if public else "private"
    assert status != 200 or answer.headers["Cache-Control"].startswith(f"{kept_by}, max-age=")


async def test_production_has_no_metrics_on_the_main_port() -> None:
    async with running_gateway(env="production", api_key="a-key") as gateway:
        assert (await gateway.http.get("/metrics")).status_code == 404
