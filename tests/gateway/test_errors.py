import pytest
from prometheus_client import REGISTRY

from tests.gateway.fake_jobs import JOB_ID, SUCCEEDED, a_job
from tests.gateway.running import Gateway, running_gateway

ORIGIN = "http://localhost:5173"


async def test_unknown_routes_and_methods(gateway: Gateway) -> None:
    unknown = await gateway.http.get("/nothing/here")
    wrong = await gateway.http.get("/upload")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["Allow"] == "POST"
    for answer in (unknown, wrong):
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


async def test_a_slash_at_the_end_is_another_route(gateway: Gateway) -> None:
    assert (await gateway.http.post("/upload/")).status_code == 404


async def test_unknown_exceptions_tell_nothing_and_are_logged(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    @gateway.app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("a secret")

    answer = await gateway.http.get("/broken", headers={"Origin": ORIGIN})
    assert answer.status_code == 500
    assert answer.json() == {
        "error": "internal error",
        "code": "internal",
        "request_id": answer.headers["X-Request-ID"],
    }
    assert "RuntimeError: a secret" in capsys.readouterr().out
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize("given", ["abc", "A.b_c-1", "x" * 128])
async def test_good_request_ids_are_kept(gateway: Gateway, given: str) -> None:
    answer = await gateway.http.get("/healthz", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", [b"", b"a b", b"x" * 129, b"a/b", b'a"b', "ü".encode()])
async def test_bad_request_ids_are_replaced(gateway: Gateway, given: bytes) -> None:
    answer = await gateway.http.get("/healthz", headers={b"X-Request-ID": given})
    assert len(answer.headers["X-Request-ID"]) == 36


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/docs", "/objects/photobooth/x"])
async def test_every_answer_has_the_security_headers(gateway: Gateway, path: str) -> None:
    answer = await gateway.http.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/upload"), ("GET", "/nothing"), ("GET", "/healthz")]
)
async def test_allowed_origins_may_read_answers_and_errors(
    gateway: Gateway, method: str, path: str
) -> None:
    allowed = await gateway.http.request(method, path, headers={"Origin": ORIGIN})
    other = await gateway.http.request(method, path, headers={"Origin": "http://evil.example"})
    assert allowed.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "X-Request-ID" in allowed.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Origin" not in other.headers


async def test_errors_of_the_middlewares_are_readable_as_well() -> None:
    async with running_gateway(max_upload_bytes=1) as gateway:
        answer = await gateway.http.post(
            "/api/images", content=bytes(2**20 + 2), headers={"Origin": ORIGIN}
        )
    assert answer.status_code == 413
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


async def test_preflight(gateway: Gateway) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-api-key, content-type, last-event-id",
    }
    answer = await gateway.http.options("/api/search", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


async def test_production_allows_no_origin_by_itself() -> None:
    async with running_gateway(env="production", api_key="k") as gateway:
        answer = await gateway.http.get("/healthz", headers={"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_metrics_have_routes_and_never_made_up_paths(gateway: Gateway) -> None:
    await gateway.http.get("/objects/images/made-up.jpg")
    await gateway.http.get("/made-up")
    await gateway.http.request("BREW", "/healthz")
    text = (await gateway.http.get("/metrics")).text
    assert 'route="/objects/{key:path}"' in text
    assert 'method="OTHER"' in text
    assert "made-up" not in text
    assert "BREW" not in text


async def test_how_long_a_stream_lasts_is_not_how_slow_the_gateway_is(gateway: Gateway) -> None:
    labels = {"method": "GET", "route": "/api/jobs/{job_id}/events"}

    def moved() -> tuple[float, float]:
        requests = counted("gateway_requests_total", code="200", **labels)
        return requests, counted("gateway_request_seconds_count", **labels)

    requests, seconds = moved()
    await gateway.jobs.put(a_job(state=SUCCEEDED))
    await gateway.http.get(f"/api/jobs/{JOB_ID}/events")
    assert moved() == (requests + 1, seconds)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0
