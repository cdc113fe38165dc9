import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.openapi.models import OpenAPI

from gateway.documented_example import EXAMPLE_KEY
from tests.gateway.fake_jobs import a_job
from tests.gateway.running import Gateway


async def spec(gateway: Gateway) -> dict[str, Any]:
    found: dict[str, Any] = (await gateway.http.get("/openapi.json")).json()
    return found


def references(node: Any) -> Iterator[str]:
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from references(child)
    if isinstance(node, dict) and isinstance(node.get("$ref"), str):
        yield node["$ref"]


async def test_the_page_needs_no_other_site(gateway: Gateway) -> None:
    page = await gateway.http.get("/docs")
    assert page.status_code == 200
    assert "://" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    sources = [part.split('"')[0] for part in page.text.split('="/')[1:]]
    for source in sources:
        assert (await gateway.http.get(f"/{source}")).status_code == 200


async def test_the_description_is_valid(gateway: Gateway) -> None:
    found = await spec(gateway)
    OpenAPI.model_validate(found)
    for reference in references(found):
        node = found
        for name in reference.removeprefix("#/").split("/"):
            node = node[name]
    operations = {
        f"{method} {path}": operation
        for path, methods in found["paths"].items()
        for method, operation in methods.items()
    }
    assert operations.keys() == {
        "post /upload",
        "post /api/caption-images",
        "post /api/caption-collective-images",
        "get /api/caption-models",
        "post /generate",
        "post /analyze",
        "post /api/segment",
        "post /api/detect",
        "post /api/admin/reset-cache",
        "post /api/images",
        "delete /api/images",
        "post /api/search",
        "get /api/search/statistics",
        "post /api/search/sync",
        "get /api/duplicates",
        "get /api/jobs",
        "get /api/jobs/{job_id}",
        "get /api/jobs/{job_id}/events",
        "post /api/jobs/{job_id}/cancel",
        "post /api/jobs/{job_id}/resume",
        "post /api/jobs/{job_id}/retry-failed",
        "get /objects/{key}",
        "get /healthz",
        "get /readyz",
    }
    for name, operation in operations.items():
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name


async def test_data_routes_show_the_key(gateway: Gateway) -> None:
    found = await spec(gateway)
    scheme = found["components"]["securitySchemes"]["API key"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "X-API-Key")
    for path in ("/upload", "/api/images", "/api/search", "/api/search/sync"):
        assert found["paths"][path]["post"]["security"] == [{"API key": []}]
    for path in ("/api/duplicates", "/api/jobs", "/api/jobs/{job_id}/events"):
        assert found["paths"][path]["get"]["security"] == [{"API key": []}]
    assert "security" not in found["paths"]["/healthz"]["get"]


@pytest.mark.parametrize("path", ["/api/images", "/api/search"])
async def test_files_are_picked(gateway: Gateway, path: str) -> None:
    body = (await spec(gateway))["paths"][path]["post"]["requestBody"]["content"]
    field = body["multipart/form-data"]["schema"]["properties"]["file"]
    assert field["format"] == "binary"
    assert "null" not in json.dumps(body)


async def test_examples_can_be_sent_as_they_are(gateway: Gateway) -> None:
    paths = (await spec(gateway))["paths"]
    sent = 0
    for kind, media in paths["/api/search"]["post"]["requestBody"]["content"].items():
        if "example" not in media:
            continue
        encode = json.dumps if kind == "application/json" else urlencode
        body = encode(media["example"])
        answer = await gateway.http.post(
            "/api/search", content=body, headers={"Content-Type": kind}
        )
        assert answer.status_code == 200
        sent += 1
    assert sent == 2


async def test_the_example_pictures_can_be_asked_for(gateway: Gateway) -> None:
    operation = (await spec(gateway))["paths"]["/generate"]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    for example in content["examples"].values():
        answer = await gateway.http.post("/generate", json=example["value"])
        assert answer.status_code == 200
        assert example["value"].keys() <= content["schema"]["properties"].keys()
    assert operation["security"] == [{"API key": []}]


async def test_both_answers_with_pictures_are_told_of(gateway: Gateway) -> None:
    answers = (await spec(gateway))["paths"]["/generate"]["post"]["responses"]
    told = answers["200"]["content"]
    assert told["application/json"]["schema"]["$ref"].endswith("/GenerateAnswer")
    assert "event: done" in told["text/event-stream"]["example"]
    assert {"400", "401", "413", "415", "422", "429", "503", "504"} <= answers.keys()


async def test_the_example_job_can_be_asked_for(gateway: Gateway) -> None:
    parameters = (await spec(gateway))["paths"]["/api/jobs/{job_id}"]["get"]["parameters"]
    (example,) = parameters[0]["schema"]["examples"]
    await gateway.jobs.put(a_job(job_id=example))
    assert (await gateway.http.get(f"/api/jobs/{example}")).status_code == 200


async def test_events_are_told_of(gateway: Gateway) -> None:
    operation = (await spec(gateway))["paths"]["/api/jobs/{job_id}/events"]["get"]
    assert operation["responses"]["200"]["content"].keys() == {"text/event-stream"}
    assert "content" not in operation["responses"]["204"]
    header = next(each for each in operation["parameters"] if each["in"] == "header")
    assert header["name"] == "Last-Event-ID"


async def test_answers_that_are_errors_are_told_of(gateway: Gateway) -> None:
    paths = (await spec(gateway))["paths"]
    for method, path, status in (
        ("delete", "/api/images", "403"),
        ("post", "/api/search/sync", "409"),
        ("post", "/api/jobs/{job_id}/cancel", "409"),
        ("get", "/api/jobs/{job_id}/events", "429"),
    ):
        answer = paths[path][method]["responses"][status]["content"]["application/json"]
        assert answer["schema"]["$ref"].endswith("/ErrorBody")


RING = (Path(__file__).parents[2] / "examples" / "gold-ring-red-stones.jpg").read_bytes()


async def test_the_example_key_is_that_of_the_first_picture(gateway: Gateway) -> None:
    assert f"images/{hashlib.sha256(RING).hexdigest()}.jpg" == EXAMPLE_KEY


async def test_the_example_url_can_be_sent_once_the_picture_is_stored(gateway: Gateway) -> None:
    await gateway.objects.put(EXAMPLE_KEY, RING, content_type="image/jpeg")
    content = (await spec(gateway))["paths"]["/upload"]["post"]["requestBody"]["content"]
    for media in content.values():
        answer = await gateway.http.post("/upload", data=media["example"])
        assert answer.status_code == 200
    assert len(content) == 2
