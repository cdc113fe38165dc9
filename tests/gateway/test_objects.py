import asyncio
from urllib.parse import quote

import pytest

from tests.gateway.running import Gateway, served
from tests.pictures import jpeg

PICTURE = jpeg(1)
HASH = "0123456789abcdef" * 4


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
        (f"images/{HASH}.jpg", "public, max-age=31536000, immutable"),
        (f"images/{HASH}.webp", "public, max-age=31536000, immutable"),
        ("images/a.jpg", "no-cache"),
        (f"images/x/{HASH}.jpg", "no-cache"),
        (f"images/{HASH[1:]}.jpg", "no-cache"),
        (f"photos/{HASH}.jpg", "no-cache"),
        ("gen_images/j/a_v1.jpg", "no-cache"),
        ("excel_files/a.xlsx", "no-cache"),
        ("bundles/j/a.zip", "no-cache"),
    ],
)
async def test_only_what_is_named_by_its_content_is_cached_for_ever(
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


@pytest.mark.parametrize("key", ["a.jpg", "photos/2026/Я b.PNG", "x/y.jpeg", "trashy/z.WebP"])
async def test_images_are_read_wherever_they_lie(gateway: Gateway, key: str) -> None:
    await put(gateway, key)
    assert (await gateway.http.get(f"/objects/{quote(key)}")).content == PICTURE


@pytest.mark.parametrize(
    "key",
    [
        *["photobooth/a.jpg", "trash/a.jpg", "templates/a.xlsx", "templates/a.jpg", "a.txt", "jpg"],
        *["x/trash/a.jpg", "Photobooth/a.jpg", "images/photobooth/a.jpg", "gen_images/TRASH/a.jpg"],
        *["x/gen_images/a.jpg", "photos/a.zip"],
    ],
)
async def test_other_objects_look_as_if_they_were_not_there(gateway: Gateway, key: str) -> None:
    await put(gateway, key)
    assert (await gateway.http.get(f"/objects/{key}")).status_code == 404
    assert (await gateway.http.head(f"/objects/{key}")).status_code == 404
    part = await gateway.http.get(f"/objects/{key}", headers={"Range": "bytes=0-0"})
    assert part.status_code == 404


SIZE = len(PICTURE)


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=10-", 10, SIZE),
        ("bytes=-7", SIZE - 7, SIZE),
        ("Bytes= 5-999999999", 5, SIZE),
        ("bytes=-999999999", 0, SIZE),
    ],
)
async def test_one_range_is_answered_alone(
    gateway: Gateway, wanted: str, start: int, end: int
) -> None:
    await put(gateway)
    whole = await gateway.http.get("/objects/images/a.jpg")
    part = await gateway.http.get("/objects/images/a.jpg", headers={"Range": wanted})
    assert (part.status_code, part.content) == (206, PICTURE[start:end])
    assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert part.headers["Content-Length"] == str(end - start)
    for name in ("ETag", "Content-Type", "Cache-Control", "Last-Modified", "Accept-Ranges"):
        assert part.headers[name] == whole.headers[name]
    assert whole.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    "wanted",
    [
        *["bytes=0-1,5-6", "bytes=5-4", "bytes=-", "bytes=a-b", "bytes", "items=0-1", "", "0-1"],
        *["bytes=" + "9" * 5000 + "-", "bytes=٣-٤".encode(), "bytes=--5", "bytes=1-2-3"],
    ],
)
async def test_other_ranges_are_answered_whole(gateway: Gateway, wanted: str) -> None:
    await put(gateway)
    answer = await gateway.http.get("/objects/images/a.jpg", headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (200, PICTURE)


@pytest.mark.parametrize("wanted", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"])
async def test_a_range_behind_the_end_is_refused(gateway: Gateway, wanted: str) -> None:
    await put(gateway)
    answer = await gateway.http.get("/objects/images/a.jpg", headers={"Range": wanted})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"
    assert answer.json().keys() == {"error", "code", "request_id"}


async def test_a_range_of_another_version_is_answered_whole(gateway: Gateway) -> None:
    await put(gateway)
    first = (await gateway.http.head("/objects/images/a.jpg")).headers
    ranged = {"Range": "bytes=0-9"}
    same = await gateway.http.get(
        "/objects/images/a.jpg", headers=ranged | {"If-Range": first["ETag"]}
    )
    assert (same.status_code, same.content) == (206, PICTURE[:10])
    for weak in (f"W/{first['ETag']}", first["Last-Modified"], "x"):
        answer = await gateway.http.get(
            "/objects/images/a.jpg", headers=ranged | {"If-Range": weak}
        )
        assert answer.status_code == 200
    await put(gateway, content=jpeg(2))
    changed = await gateway.http.get(
        "/objects/images/a.jpg", headers=ranged | {"If-Range": first["ETag"]}
    )
    assert (changed.status_code, changed.content) == (200, jpeg(2))


async def test_a_head_and_a_known_copy_have_no_range(gateway: Gateway) -> None:
    await put(gateway)
    ranged = {"Range": "bytes=0-9"}
    head = await gateway.http.head("/objects/images/a.jpg", headers=ranged)
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(SIZE))
    known = ranged | {"If-None-Match": head.headers["ETag"]}
    assert (await gateway.http.get("/objects/images/a.jpg", headers=known)).status_code == 304


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
