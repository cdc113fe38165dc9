import re
from typing import Any

import pytest

from facetkit.s3_bucket import S3Bucket
from gateway.pages import PageEndpoints, image_origins
from tests.gateway.running import Gateway, running_gateway

PAGES = ("/", "/generate", "/analyze", "/search")
_SOURCE = re.compile(r'(?:src|href)="(/static/[^"]+)"')
_IMPORT = re.compile(r'from "\./([^"]+)"')


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_html_and_asked_for_anew(gateway: Gateway, path: str) -> None:
    answer = await gateway.http.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert '<html lang="en">' in answer.text


@pytest.mark.parametrize("path", PAGES)
async def test_the_policy_lets_only_our_own_files_run(gateway: Gateway, path: str) -> None:
    answer = await gateway.http.get(path)
    policy = dict(
        part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["img-src"].startswith("'self' data: blob:")


@pytest.mark.parametrize("path", PAGES)
async def test_nothing_is_inline_or_of_another_site(gateway: Gateway, path: str) -> None:
    text = (await gateway.http.get(path)).text
    assert "://" not in text
    assert "<style" not in text
    assert not re.search(r"""\s(style|on\w+)=["']""", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)


@pytest.mark.parametrize("path", PAGES)
async def test_every_file_of_a_page_is_served(gateway: Gateway, path: str) -> None:
    left = set(_SOURCE.findall((await gateway.http.get(path)).text))
    seen: set[str] = set()
    while left - seen:
        source = (left - seen).pop()
        answer = await gateway.http.get(source)
        assert answer.status_code == 200, source
        seen.add(source)
        left |= {f"/static/{name}" for name in _IMPORT.findall(answer.text)}
    assert len(seen) > 10


@pytest.mark.parametrize("path", PAGES)
async def test_the_page_is_marked_in_the_menu(gateway: Gateway, path: str) -> None:
    text = (await gateway.http.get(path)).text
    assert re.findall(r'<a href="([^"]+)" aria-current="page">', text) == [path]
    assert 'href="/docs"' in text


async def test_files_are_checked_for_changes(gateway: Gateway) -> None:
    first = await gateway.http.get("/static/base.js")
    assert first.headers["Cache-Control"] == "no-cache"
    assert "javascript" in first.headers["Content-Type"]
    again = await gateway.http.get(
        "/static/base.js", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.headers["Cache-Control"]) == (304, "no-cache")


@pytest.mark.parametrize("path", ["/static/nothing.js", "/static/../pages.py", "/static/"])
async def test_nothing_else_is_served(gateway: Gateway, path: str) -> None:
    answer = await gateway.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_pages_need_no_key() -> None:
    async with running_gateway(api_key="a-key") as gateway:
        for path in (*PAGES, "/static/base.js"):
            assert (await gateway.http.get(path)).status_code == 200


@pytest.mark.parametrize("path", PAGES)
async def test_pages_are_no_part_of_the_api(gateway: Gateway, path: str) -> None:
    paths = (await gateway.http.get("/openapi.json")).json()["paths"]
    assert "get" not in paths.get(path, {})


async def test_images_may_come_from_where_objects_are() -> None:
    answer = await PageEndpoints(["https://cdn.example", "https://cdn.example"]).search()
    policy = answer.headers["Content-Security-Policy"]
    assert "img-src 'self' data: blob: https://cdn.example;" in policy


@pytest.mark.parametrize(
    ("bucket", "region", "origins"),
    [
        (None, "", []),
        (S3Bucket("pics", public_url="https://cdn.example/p"), "", ["https://cdn.example"]),
        (S3Bucket("pics", "http://minio:9000"), "", ["http://minio:9000"]),
        (S3Bucket("pics"), "eu-west-1", ["https://pics.s3.eu-west-1.amazonaws.com"]),
        (S3Bucket("pics"), "", ["https://*.amazonaws.com", "https://*.amazonaws.com.cn"]),
    ],
)
def test_origins_are_those_of_object_urls(bucket: Any, region: str, origins: list[str]) -> None:
    found = image_origins("https://facet.example:8443/mesh", bucket, region)
    assert found == ["https://facet.example:8443", *origins]
