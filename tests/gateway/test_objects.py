import asyncio

import pytest

from tests.gateway.running import Gateway, served
from tests.pictures import jpeg

PICTURE = jpeg(1)


async def put(gateway: Gateway, key: str = "images/a.jpg", content: bytes = PICTURE) -> None:
    await gateway.objects.put(key, content, content_type="image/jpeg")


async def test_get_and_head(gateway: Gateway) -> None:
    await put(gateway)
    get = await gateway.http.get("/objects/images/a.jpg")
    head = await gateway.http.head("/objects/images/a.jpg")
    assert (get.status_code, get.content) == (200, PICTURE)
    assert (head.status_code, head.content) == (200, b"")
    for answer in (get, head):
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Content-Length"] == str(len(PICTURE))
        assert answer.headers["ETag"].startswith('"')
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("images/a.jpg", "public, max-age=31536000, immutable"),
        ("gen_images/j/a_v1.jpg", "no-cache"),
        ("excel_files/a.xlsx", "no-cache"),
        ("bundles/j/a.zip", "no-cache"),
    ],
)
async def test_only_originals_are_cached_for_ever(
    gateway: Gateway, key: str, expected: str
) -> None:
    await put(gateway, key)
    answer = await gateway.http.get(f"/objects/{key}")
    assert answer.headers["Cache-Control"] == expected


async def test_a_known_etag_answers_304_until_the_object_changes(gateway: Gateway) -> None:
    await put(gateway, "gen_images/a.jpg")
    etag = (await gateway.http.get("/objects/gen_images/a.jpg")).headers["ETag"]
    for given in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        for method in ("GET", "HEAD"):
            same = await gateway.http.request(
                method, "/objects/gen_images/a.jpg", headers={"If-None-Match": given}
            )
            assert (same.status_code, same.content) == (304, b"")
            assert same.headers["ETag"] == etag
            assert same.headers["Cache-Control"] == "no-cache"
    await put(gateway, "gen_images/a.jpg", jpeg(2))
    changed = await gateway.http.get("/objects/gen_images/a.jpg", headers={"If-None-Match": etag})
    assert (changed.status_code, changed.content) == (200, jpeg(2))


@pytest.mark.parametrize("key", ["photobooth/a.jpg", "trash/a.jpg", "a.jpg", "templates/a.xlsx"])
async def test_other_prefixes_look_as_if_they_were_not_there(gateway: Gateway, key: str) -> None:
    await put(gateway, key)
    assert (await gateway.http.get(f"/objects/{key}")).status_code == 404
    assert (await gateway.http.head(f"/objects/{key}")).status_code == 404


async def test_unknown_objects(gateway: Gateway) -> None:
    answer = await gateway.http.get("/objects/images/none.jpg")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


TRAVERSALS = {
    "/objects/../etc/passwd": 400,
    "/objects/..%2f..%2fetc%2fpasswd": 400,
    "/objects/%2e%2e/%2e%2e/etc/passwd": 400,
    "/objects/images/..%2fphotobooth/face.jpg": 400,
    "/objects/images/../photobooth/face.jpg": 400,
    "/objects/images/%2e/a.jpg": 400,
    "/objects//etc/passwd": 400,
    "/objects/%2fetc%2fpasswd": 400,
    "/objects/images%5c..%5cphotobooth": 400,
    "/objects/images/a%00.jpg": 400,
    "/objects/images/a%0a.jpg": 404,
    "/objects/": 400,
    "/objects/images/.facet-tmp": 400,
    "/objects/images/%252e%252e%252fphotobooth": 404,
    "/objects/images/%ff": 404,
    "/objects": 404,
    "/objects/images": 404,
    "/objects/images/" + "a" * 300: 400,
}


async def test_nothing_escapes_from_the_public_prefixes(gateway: Gateway) -> None:
    await put(gateway, "photobooth/face.jpg")
    async with served(gateway.app) as port:
        found = {path: await status_of(port, path) for path in TRAVERSALS}
    assert found == TRAVERSALS


async def status_of(port: int, path: str) -> int:
    """The status of a GET whose path no client library has tidied up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert b"Traceback" not in answer
    return int(answer.split(b" ")[1])
