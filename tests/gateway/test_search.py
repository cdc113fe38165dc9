from datetime import UTC, datetime
from typing import Any

import pytest

from facet.search.v1 import search_pb2
from tests.gateway.running import Gateway
from tests.pictures import jpeg

PICTURE = jpeg(1)
ALL = {"file", "imageUrl", "text", "key"}


async def test_answers_hits_best_first(gateway: Gateway) -> None:
    stored = (await gateway.http.post("/api/images", files={"file": ("a", PICTURE)})).json()
    answer = await gateway.http.post("/api/search", json={"text": "a gold ring"})
    assert answer.status_code == 200
    assert answer.json() == {
        "results": [
            {
                "id": stored["id"],
                "key": stored["key"],
                "url": stored["url"],
                "score": 0.75,
                "distance": 0.25,
            }
        ],
        "total": 1,
        "model": "clip-ViT-B-32",
        "model_set": "demo",
    }


@pytest.mark.parametrize("kind", ["json", "data", "files"])
async def test_text_in_every_body_format(gateway: Gateway, kind: str) -> None:
    text: Any = {"text": (None, "a gold ring")} if kind == "files" else {"text": "a gold ring"}
    answer = await gateway.http.post("/api/search", **{kind: text})
    assert answer.status_code == 200
    request = gateway.search.requests[0]
    assert (request.text, request.top_k, request.offset) == ("a gold ring", 5, 0)
    assert request.WhichOneof("query") == "text"


async def test_by_file_key_and_url(gateway: Gateway) -> None:
    await gateway.objects.put("images/a.jpg", PICTURE, content_type="image/jpeg")
    url = "http://localhost:8000/objects/images/a.jpg"
    by_file = await gateway.http.post("/api/search", files={"file": ("a", PICTURE)})
    by_key = await gateway.http.post("/api/search", data={"key": "images/a.jpg"})
    by_url = await gateway.http.post("/api/search", json={"imageUrl": url})
    assert [by_file.status_code, by_key.status_code, by_url.status_code] == [200] * 3
    asked = [request.WhichOneof("query") for request in gateway.search.requests]
    assert asked == ["image", "key", "image"]
    assert gateway.search.requests[2].image == PICTURE


async def test_filters_in_json(gateway: Gateway) -> None:
    body = {
        "text": "ring",
        "top_k": 100,
        "offset": 16284,
        "min_width": 10,
        "min_height": 20,
        "content_type": ["image/png", "image/webp"],
        "created_after": "2024-01-02T03:04:05+02:00",
        "created_before": "2024-02-01",
        "prefix": "shop/ü",
        "min_bytes": 1000,
        "max_bytes": 2**53,
    }
    assert (await gateway.http.post("/api/search", json=body)).status_code == 200
    check_filters(gateway.search.requests[0])


async def test_filters_in_a_form(gateway: Gateway) -> None:
    body = {
        "text": "ring",
        "top_k": "100",
        "offset": "16284",
        "min_width": "10",
        "min_height": "20",
        "content_type": "image/png, image/webp",
        "created_after": "2024-01-02T01:04:05Z",
        "created_before": "2024-02-01T00:00:00",
        "prefix": "shop/ü",
        "min_bytes": "1000",
        "max_bytes": str(2**53),
        "imageUrl": "",
    }
    assert (await gateway.http.post("/api/search", data=body)).status_code == 200
    repeated = body | {"content_type": ["image/png", "image/webp"]}
    assert (await gateway.http.post("/api/search", data=repeated)).status_code == 200
    parts = [(name, (None, text)) for name, text in body.items()]
    assert (await gateway.http.post("/api/search", files=parts)).status_code == 200
    for request in gateway.search.requests:
        check_filters(request)


def check_filters(request: Any) -> None:
    assert (request.top_k, request.offset) == (100, 16284)
    found = request.filter
    assert (found.min_width, found.min_height) == (10, 20)
    assert list(found.content_types) == ["image/png", "image/webp"]
    assert found.created_after.ToDatetime(UTC) == datetime(2024, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert found.created_before.ToDatetime(UTC) == datetime(2024, 2, 1, tzinfo=UTC)
    assert found.prefix == "shop/ü"
    assert (found.min_size_bytes, found.max_size_bytes) == (1000, 2**53)


async def test_filters_that_are_left_out_do_not_restrict(gateway: Gateway) -> None:
    none = {"prefix": None, "min_bytes": None, "max_bytes": None, "min_width": None}
    assert (await gateway.http.post("/api/search", json={"text": "a"} | none)).status_code == 200
    assert gateway.search.requests[0].filter == search_pb2.Filter()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ALL),
        ({"text": None}, ALL),
        ({"text": "a", "key": "images/a"}, {"text", "key"}),
        ({"text": ""}, {"text"}),
        ({"text": "  "}, {"text"}),
        ({"text": "x" * 2001}, {"text"}),
        ({"text": 3}, {"text"}),
        ({"key": "../a"}, {"key"}),
        ({"key": ""}, {"key"}),
        ({"text": "a", "top_k": 0}, {"top_k"}),
        ({"text": "a", "top_k": 101}, {"top_k"}),
        ({"text": "a", "top_k": "5"}, {"top_k"}),
        ({"text": "a", "top_k": True}, {"top_k"}),
        ({"text": "a", "top_k": 1.5}, {"top_k"}),
        ({"text": "a", "top_k": None}, {"top_k"}),
        ({"text": "a", "top_k": 10**30}, {"top_k"}),
        ({"text": "a", "offset": -1}, {"offset"}),
        ({"text": "a", "offset": 16380}, {"offset"}),
        ({"text": "a", "min_width": -1}, {"min_width"}),
        ({"text": "a", "min_height": 2**32}, {"min_height"}),
        ({"text": "a", "content_type": "image/gif"}, {"content_type.0"}),
        ({"text": "a", "content_type": 3}, {"content_type"}),
        ({"text": "a", "created_after": "yesterday"}, {"created_after"}),
        ({"text": "a", "created_after": 1700000000}, {"created_after"}),
        ({"text": "a", "created_before": "0001-01-01T00:00:00+14:00"}, {"created_before"}),
        ({"text": "a", "prefix": 3}, {"prefix"}),
        ({"text": "a", "prefix": "x" * 1025}, {"prefix"}),
        ({"text": "a", "prefix": "ü" * 513}, {"prefix"}),
        ({"text": "a", "min_bytes": -1}, {"min_bytes"}),
        ({"text": "a", "min_bytes": 2**53 + 1}, {"min_bytes"}),
        ({"text": "a", "min_bytes": 1.5}, {"min_bytes"}),
        ({"text": "a", "max_bytes": 0}, {"max_bytes"}),
        ({"text": "a", "max_bytes": 10**30}, {"max_bytes"}),
        ({"text": "a", "min_bytes": 2, "max_bytes": 1}, {"max_bytes"}),
        ({"text": "a", "top_k": 0, "offset": -1}, {"top_k", "offset"}),
        ([], {"body"}),
    ],
)
async def test_bad_json_fields_are_named(gateway: Gateway, body: Any, fields: set[str]) -> None:
    answer = await gateway.http.post("/api/search", json=body)
    assert answer.status_code == 400
    assert answer.json()["fields"].keys() == fields
    assert all(f"'{field}'" in answer.json()["error"] for field in fields)
    assert not gateway.search.requests


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"text": "\\ud800"}', b"\xff", b"[" * 100_000, b'{"text": NaN}']
)
async def test_what_is_not_json(gateway: Gateway, body: bytes) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = await gateway.http.post("/api/search", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_input"


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ({"top_k": "many", "text": "a"}, {"top_k"}),
        ({"text": ""}, ALL),
        ({"text": ["a", "b"]}, {"text"}),
        ({"text": "a", "file": "not a file"}, {"file", "text"}),
        ({"file": "not a file"}, {"file"}),
    ],
)
async def test_bad_form_fields_are_named(gateway: Gateway, form: Any, fields: set[str]) -> None:
    answer = await gateway.http.post("/api/search", data=form)
    assert answer.status_code == 400
    assert answer.json()["fields"].keys() == fields


async def test_two_queries_in_a_form_are_named(gateway: Gateway) -> None:
    answer = await gateway.http.post(
        "/api/search", data={"text": "ring"}, files={"file": ("a", PICTURE)}
    )
    assert answer.status_code == 400
    assert answer.json()["fields"].keys() == {"file", "text"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"top_k": 0}, "'top_k' must be at least 1"),
        ({"offset": 16380}, "'offset' must be at most 16,384 less 'top_k'"),
        ({"prefix": "x" * 1025}, "'prefix' must have at most 1,024 bytes"),
        ({"min_bytes": -1}, "'min_bytes' must be at least 0"),
        ({"max_bytes": 0}, "'max_bytes' must be at least 1"),
        ({"min_bytes": 2, "max_bytes": 1}, "'max_bytes' must be at least 'min_bytes'"),
        (
            {"created_after": "2026-01-02", "created_before": "2026-01-01"},
            "'created_before' must not be before 'created_after'",
        ),
    ],
)
async def test_readable_messages(gateway: Gateway, body: dict[str, Any], error: str) -> None:
    for kind in ("json", "data"):
        request: Any = {kind: {"text": "a"} | body}
        answer = await gateway.http.post("/api/search", **request)
        assert answer.json()["error"] == error


@pytest.mark.parametrize("prefix", ["x" * 1024, "ü" * 512, "", "a", "a/b c%_'\""])
async def test_good_prefixes(gateway: Gateway, prefix: str) -> None:
    body = {"text": "a", "prefix": prefix, "min_bytes": 5, "max_bytes": 5}
    assert (await gateway.http.post("/api/search", json=body)).status_code == 200
    assert gateway.search.requests[0].filter.prefix == prefix


async def test_any_other_body_is_unsupported(gateway: Gateway) -> None:
    answer = await gateway.http.post(
        "/api/search", content=b"<q/>", headers={"Content-Type": "text/xml"}
    )
    assert answer.status_code == 415


async def test_statistics(gateway: Gateway) -> None:
    answer = await gateway.http.get("/api/search/statistics")
    assert answer.json() == {
        "images": 3,
        "matrix_images": 3,
        "collection": "images",
        "model": "clip-ViT-B-32",
        "model_version": "1",
        "model_set": "demo",
        "dimensions": 512,
        "index": "matrix",
        "keys": 5,
        "broken_keys": 1,
        "building": None,
        "built": 0,
    }


async def test_statistics_while_another_model_takes_over(gateway: Gateway) -> None:
    gateway.search.statistics.building = "images_2"
    gateway.search.statistics.built = 2
    answer = (await gateway.http.get("/api/search/statistics")).json()
    assert (answer["building"], answer["built"]) == ("images_2", 2)
