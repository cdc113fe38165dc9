import httpx
import pytest

from facet.search.v1 import search_pb2
from facetkit.errors import NotReady, PermissionDenied, Unprocessable
from tests.gateway.fakes import item_of
from tests.gateway.running import Gateway, running_gateway
from tests.pictures import jpeg, png

PICTURE = jpeg(1)
BOUNDARY = {"Content-Type": "multipart/form-data; boundary=xyz"}


async def store(gateway: Gateway, content: bytes = PICTURE) -> httpx.Response:
    return await gateway.http.post("/api/images", files={"file": ("a.jpg", content)})


def part(head: bytes, content: bytes = b"x") -> bytes:
    return b"--xyz\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + content + b"\r\n"


async def test_a_new_image_is_created_and_the_second_is_a_duplicate(gateway: Gateway) -> None:
    first, second = await store(gateway), await store(gateway)
    assert (first.status_code, second.status_code) == (201, 200)
    body = first.json()
    assert body == {
        "id": body["id"],
        "key": f"images/{body['id']}.jpg",
        "url": f"http://localhost:8000/objects/images/{body['id']}.jpg",
        "duplicate": False,
        "width": 320,
        "height": 240,
        "content_type": "image/jpeg",
        "bytes": len(PICTURE),
        "created_at": "2024-05-06T07:08:09Z",
        "similar": [],
        "model": "clip-ViT-B-32",
        "model_set": "demo",
    }
    assert second.json() == body | {"duplicate": True}
    assert gateway.search.requests[0].image == PICTURE


async def test_others_that_show_the_same_are_named(gateway: Gateway) -> None:
    other = item_of(jpeg(2))
    gateway.search.similar = [
        search_pb2.Similar(item=other, tier=tier, score=0.5, same_pixels=same_pixels)
        for tier, same_pixels in ((search_pb2.TIER_PICTURE, True), (search_pb2.TIER_NEAR, False))
    ]
    told = {
        "id": other.id,
        "key": other.key,
        "url": f"http://localhost:8000/objects/{other.key}",
        "score": 0.5,
    }
    assert (await store(gateway)).json()["similar"] == [
        told | {"tier": "picture", "same_pixels": True},
        told | {"tier": "near", "same_pixels": False},
    ]


async def test_urls_begin_with_the_public_base_url() -> None:
    async with running_gateway(public_base_url="https://facet.example/api/") as gateway:
        body = (await store(gateway)).json()
    assert body["url"] == f"https://facet.example/api/objects/{body['key']}"


@pytest.mark.parametrize("content", [PICTURE, png(1), b"RIFF....WEBP...."])
async def test_content_decides_the_format(gateway: Gateway, content: bytes) -> None:
    assert (await store(gateway, content)).status_code == 201


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"", 400, "is empty"),
        (b"GIF89a", 415, "the content is not a JPEG, PNG or WebP image"),
        (b"\xff\xd8\xff" + bytes(2048), 413, "is larger than 2 KiB"),
    ],
)
async def test_bad_files_are_refused_before_any_call(
    content: bytes, status: int, reason: str
) -> None:
    async with running_gateway(max_upload_bytes=2048) as gateway:
        answer = await store(gateway, content)
    assert answer.status_code == status
    assert answer.json()["fields"] == {"file": reason}
    assert not gateway.search.requests


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"--xyz--\r\n", 400),
        (part(b'name="other"; filename="a.jpg"', PICTURE) + b"--xyz--\r\n", 400),
        (part(b'name="file"', b"text") + b"--xyz--\r\n", 400),
        (part(b'name="file"; filename=""', b"") + b"--xyz--\r\n", 400),
        (part(b'name="file"; filename="a"', PICTURE) * 2 + b"--xyz--\r\n", 400),
        (part(b'name="file"; filename="a"', PICTURE) * 9 + b"--xyz--\r\n", 400),
        (part(b'name="a"') * 33 + b"--xyz--\r\n", 400),
        (part(b'filename="a"') + b"--xyz--\r\n", 400),
        (part(b'name="file"; filename="a"', PICTURE), 400),
        (part(b'name="a"', b"\xff") + b"--xyz--\r\n", 400),
        (part(b'name="a"', bytes(33_000)) + b"--xyz--\r\n", 413),
        (part(b'name="a"\r\nX: ' + b"y" * 10_000) + b"--xyz--\r\n", 400),
        (b"not multipart at all", 400),
    ],
)
async def test_broken_forms(gateway: Gateway, body: bytes, status: int) -> None:
    answer = await gateway.http.post("/api/images", content=body, headers=BOUNDARY)
    assert answer.status_code == status
    assert answer.json().keys() >= {"error", "code", "request_id"}
    assert not gateway.search.requests


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=" + "x" * 1000])
async def test_bad_boundaries(gateway: Gateway, boundary: str) -> None:
    headers = {"Content-Type": f"multipart/form-data{boundary}"}
    answer = await gateway.http.post("/api/images", content=b"--x", headers=headers)
    assert answer.status_code == 400


async def test_the_missing_file_is_named(gateway: Gateway) -> None:
    answer = await gateway.http.post("/api/images")
    assert answer.status_code == 400
    assert answer.json()["error"] == "'file' is required"


async def test_errors_of_search_come_through(gateway: Gateway) -> None:
    gateway.search.fails_with = Unprocessable("the image is damaged")
    damaged = await store(gateway)
    gateway.search.fails_with = NotReady("the index is loading")
    not_ready = await store(gateway)
    assert damaged.status_code == 422
    assert damaged.json()["fields"] == {"file": "the image is damaged"}
    assert (not_ready.status_code, not_ready.headers["Retry-After"]) == (503, "1")


async def test_delete_answers_204_and_then_404(gateway: Gateway) -> None:
    key = (await store(gateway)).json()["key"]
    first = await gateway.http.delete("/api/images", params={"key": key})
    second = await gateway.http.delete("/api/images", params={"key": key})
    assert (first.status_code, first.content) == (204, b"")
    assert second.status_code == 404
    assert second.json()["fields"].keys() == {"key"}


async def test_only_what_facet_has_written_can_be_removed(gateway: Gateway) -> None:
    gateway.search.fails_with = PermissionDenied("the object is not one that Facet has written")
    answer = await gateway.http.delete("/api/images", params={"key": "photos/a.jpg"})
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert answer.json()["fields"].keys() == {"key"}


@pytest.mark.parametrize("query", ["", "?key=", "?key=../etc", "?key=%00", "?key=/etc/passwd"])
async def test_delete_refuses_bad_keys(gateway: Gateway, query: str) -> None:
    answer = await gateway.http.delete(f"/api/images{query}")
    assert answer.status_code == 400
    assert answer.json()["fields"].keys() == {"key"}
    assert not gateway.search.requests
