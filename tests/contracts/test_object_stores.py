"""What every object store does.

moto checks the conditions of a write and then writes: it does not keep racing writers apart, as S3
does. What races need is shown on the other stores.
"""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from facetkit.errors import AlreadyExists, Conflict, InvalidInput, NotFound, TooLarge
from facetkit.local_objects import LocalObjectStore
from facetkit.memory_objects import MemoryObjectStore
from facetkit.objects import (
    PUBLIC_PREFIXES,
    RESERVED_SEGMENTS,
    ObjectStore,
    check_key,
    is_indexed,
)
from tests.contracts.conftest import PAGE_SIZE
from tests.contracts.storing import JPEG, infos, keys, put

TOLERATED = timedelta(seconds=2)
"""S3 tells times to the second."""


@pytest.fixture(params=["local", "memory"])
async def atomic_store(request: pytest.FixtureRequest, local: LocalObjectStore) -> ObjectStore:
    return local if request.param == "local" else MemoryObjectStore(PAGE_SIZE)


async def test_what_was_put_is_got(store: ObjectStore) -> None:
    info = await store.put("images/ä b.jpg", b"content", content_type=JPEG)
    stored = await store.get("images/ä b.jpg")
    assert stored.content == b"content"
    assert await store.head(info.key) == stored.info
    assert await infos(store) == [stored.info]
    for each in (info, stored.info):
        assert (each.key, each.size, each.content_type) == ("images/ä b.jpg", 7, JPEG)
        assert each.etag == info.etag
        assert abs(datetime.now(UTC) - each.modified) < TOLERATED
        assert each.modified.tzinfo is UTC
    assert info.etag.isascii()
    assert '"' not in info.etag


async def test_objects_may_be_empty_or_large(store: ObjectStore) -> None:
    large = os.urandom(3 * 2**20)
    await put(store, "empty", content=b"")
    await put(store, "large", content=large)
    assert (await store.get("empty")).content == b""
    assert (await store.get("large")).content == large


async def test_the_etag_changes_with_the_content(store: ObjectStore) -> None:
    etags = set()
    for content in (b"one", b"two", b"longer"):
        info = await store.put("a.jpg", content, content_type=JPEG)
        etags.add(info.etag)
        stored = await store.get("a.jpg")
        assert (stored.content, stored.info.etag) == (content, info.etag)
        assert (await store.head("a.jpg")).etag == info.etag
    assert len(etags) == 3


async def test_missing_objects_are_not_found(store: ObjectStore) -> None:
    await put(store, "a/b")
    for key in ("missing", "a", "a/c", "a/b/c"):
        for attempt in (store.get, store.head, partial(store.get_range, start=0, length=1)):
            with pytest.raises(NotFound, match=f"'{key}'"):
                await attempt(key)
        assert await store.delete(key) is False
    assert await keys(store) == ["a/b"]


async def test_too_large_objects_are_not_read(store: ObjectStore) -> None:
    await put(store, "a", content=bytes(100))
    assert len((await store.get("a", max_bytes=100)).content) == 100
    with pytest.raises(TooLarge, match="'a' is larger than 99 bytes"):
        await store.get("a", max_bytes=99)


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [(0, 1, b"0"), (3, 4, b"3456"), (0, 10, b"0123456789"), (9, 1, b"9"), (8, 99, b"89")],
)
async def test_parts_of_objects(
    store: ObjectStore, start: int, length: int, expected: bytes
) -> None:
    await put(store, "a", content=b"0123456789")
    part = await store.get_range("a", start=start, length=length)
    assert (part.start, part.content) == (start, expected)
    assert part.info == await store.head("a")


@pytest.mark.parametrize(
    ("start", "length"), [(10, 1), (11, 5), (-1, 1), (-5, 10), (0, 0), (2, -1)]
)
async def test_parts_that_are_not_there(store: ObjectStore, start: int, length: int) -> None:
    await put(store, "a", content=b"0123456789")
    await put(store, "empty", content=b"")
    for key in ("a", "empty"):
        with pytest.raises(InvalidInput):
            await store.get_range(key, start=start, length=length)


async def test_deleting_says_whether_it_was_there(store: ObjectStore) -> None:
    await put(store, "a/b/c")
    assert await store.delete("a/b/c") is True
    assert await store.delete("a/b/c") is False
    assert await keys(store) == []
    await put(store, "a/b")
    assert await keys(store) == ["a/b"]


KEYS = [
    *["b", "a/x", "a-b", "a0", "a/x0/y", "a/x-/y", "A", "a.jpg", "é", "a/w", "ab/c/d/e"],
    *["a b/ c+d%20", "a/\uffee", "a/\U0001f600", "Я/ж", "100%/a&b=c", "~a"],
]
PREFIXES = ["", "a", "a/", "a/x", "a/x0/", "ab/c", "none", "b/", "a b/ ", "100%", "Я"]
STARTS = ["", "A", "a", "a-b", "a/", "a/w", "a/x", "a/x0", "b", "zzz", "é/"]


async def test_listings_are_in_order_from_any_key_on(store: ObjectStore) -> None:
    await put(store, *KEYS)
    pairs = [("", after) for after in STARTS] + [(prefix, "") for prefix in PREFIXES]
    for prefix, after in [*pairs, ("a/", "a/w"), ("a/x", "a"), ("a/", "b"), ("ab/", "a/x")]:
        matching = [key for key in KEYS if key.startswith(prefix) and key > after]
        assert await keys(store, prefix, after) == sorted(matching, key=str.encode)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7])
async def test_pages_are_never_empty_nor_too_long(store: ObjectStore, count: int) -> None:
    await put(store, *map(str, range(count)))
    lengths = [len(page) async for page in store.pages()]
    rest = count % PAGE_SIZE
    assert lengths == [PAGE_SIZE] * (count // PAGE_SIZE) + [rest] * (rest > 0)


async def test_a_listing_can_go_on_from_each_of_its_keys(store: ObjectStore) -> None:
    await put(store, *KEYS)
    order = await keys(store)
    for number, key in enumerate(order):
        assert await keys(store, after=key) == order[number + 1 :]


async def test_objects_may_be_deleted_while_they_are_listed(store: ObjectStore) -> None:
    await put(store, *map(str, range(7)))
    seen: list[str] = []
    async for page in store.pages():
        seen += [info.key for info in page]
        for info in page:
            await store.delete(info.key)
    assert seen == list(map(str, range(7)))


@pytest.mark.parametrize(
    "prefix", ["/", "../", "..", "a//", "./a", "\0", ".facet-", "x" * 2000, "\ud800"]
)
async def test_prefixes_of_no_key_list_nothing(store: ObjectStore, prefix: str) -> None:
    await put(store, "a/b")
    assert await keys(store, prefix) == []


async def test_only_what_is_absent_is_written_if_absent(store: ObjectStore) -> None:
    await store.put("a/b", b"first", content_type=JPEG, if_absent=True)
    with pytest.raises(AlreadyExists, match="a/b"):
        await store.put("a/b", b"second", content_type=JPEG, if_absent=True)
    assert (await store.get("a/b")).content == b"first"
    assert await store.delete("a/b")
    await store.put("a/b", b"third", content_type=JPEG, if_absent=True)


async def test_only_the_named_version_is_replaced(store: ObjectStore) -> None:
    first = await store.put("a/b", b"first", content_type=JPEG)
    second = await store.put("a/b", b"second", content_type=JPEG, if_match=first.etag)
    assert (await store.get("a/b")).content == b"second"
    for etag in (first.etag, "", "*", f'"{second.etag}"', second.etag[:-1], "ä", "\n"):
        with pytest.raises(Conflict):
            await store.put("a/b", b"third", content_type=JPEG, if_match=etag)
    assert (await store.get("a/b")).info.etag == second.etag


async def test_what_is_gone_is_not_replaced(store: ObjectStore) -> None:
    first = await store.put("a/b", b"first", content_type=JPEG)
    await store.delete("a/b")
    for key in ("a/b", "never"):
        with pytest.raises(Conflict):
            await store.put(key, b"second", content_type=JPEG, if_match=first.etag)
    assert await keys(store) == []


async def test_of_many_racing_writers_one_wins(atomic_store: ObjectStore) -> None:
    async def attempt(number: int) -> bytes | None:
        content = b"%d" % number
        try:
            await atomic_store.put("images/race.jpg", content, content_type=JPEG, if_absent=True)
        except AlreadyExists:
            return None
        return content

    results = await asyncio.gather(*(attempt(number) for number in range(32)))
    stored = await atomic_store.get("images/race.jpg")
    assert [won for won in results if won] == [stored.content]


async def test_no_update_of_racing_ones_is_lost(atomic_store: ObjectStore) -> None:
    await put(atomic_store, "count", content=b"0")

    async def increment() -> None:
        while True:
            stored = await atomic_store.get("count")
            content = b"%d" % (int(stored.content) + 1)
            try:
                await atomic_store.put(
                    "count", content, content_type=JPEG, if_match=stored.info.etag
                )
            except Conflict:
                continue
            return

    await asyncio.gather(*(increment() for _ in range(8)))
    assert (await atomic_store.get("count")).content == b"8"


async def test_writers_and_deleters_of_one_key_do_not_trip(store: ObjectStore) -> None:
    async def churn(number: int) -> None:
        for _ in range(10):
            await put(store, f"deep/er/{number % 2}")
            await store.delete(f"deep/er/{number % 2}")

    await asyncio.gather(*(churn(number) for number in range(6)))
    assert await keys(store) == []


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        *[("a.jpg", JPEG), ("a.JPEG", JPEG), ("a.png", "image/png"), ("a.webp", "image/webp")],
        *[("a.zip", "application/zip"), ("a.json", "application/json")],
        *[("a.pdf", "application/pdf"), ("a.jpg/b", "application/octet-stream")],
        ("a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        *[("a.unknown", "application/octet-stream"), ("a.html", "application/octet-stream")],
    ],
)
async def test_content_types_follow_the_extension(
    store: ObjectStore, key: str, expected: str
) -> None:
    info = await store.put(key, b"x", content_type=expected)
    assert info.content_type == expected
    assert (await store.get(key)).info.content_type == expected


REFUSED = [
    *["", "/", "/etc/passwd", "//a", "..", ".", "../a", "a/../b", "a/..", "a/./b", "./a", "a//b"],
    *["a/", "a\\b", "..\\a", "C:\\a", "a\0b", "a\nb", "a\x7f", "a\x85", "\ud800"],
    *["x" * 256, "ä" * 128, "a/" * 512 + "b", ".facet-tmp", ".facet-tmp/a", "a/.FACET-lock"],
]


async def test_bad_keys_are_refused_everywhere(store: ObjectStore) -> None:
    attempts = (store.get, store.head, store.delete, partial(put, store))
    for key in REFUSED:
        for attempt in (*attempts, partial(store.get_range, start=0, length=1)):
            with pytest.raises(InvalidInput, match=r"^'key' ") as caught:
                await attempt(key)
            assert set(caught.value.fields) == {"key"}
        with pytest.raises(InvalidInput, match=r"^'key' "):
            store.url(key, expires_s=60)
    assert await keys(store) == []


@pytest.mark.parametrize("key", ["a", "...", "a..b", "x" * 255, "%2e%2e/a", "~", "a b", "日本"])
async def test_unusual_keys_are_allowed(store: ObjectStore, key: str) -> None:
    assert check_key(key) == key
    await put(store, key)
    assert await keys(store) == [key]


async def test_the_longest_key_can_be_used(store: ObjectStore) -> None:
    key = "/".join(["x" * 204] * 5)
    assert len(key) == 1024
    await put(store, key)
    assert await keys(store) == [key]


def test_only_indexed_and_catalog_prefixes_are_public() -> None:
    assert PUBLIC_PREFIXES - RESERVED_SEGMENTS == {"images"}
    assert not PUBLIC_PREFIXES & {"photobooth", "trash", "templates"}


@pytest.mark.parametrize("key", ["images/a.jpg", "a.JPEG", "Я/b c/d.png", "x/trashy/a.WebP"])
def test_images_are_indexed_wherever_they_lie(key: str) -> None:
    assert is_indexed(key)


@pytest.mark.parametrize(
    "key",
    [
        *[
            "a.txt",
            "jpg",
            "a.jpg/b",
            "trash/a.jpg",
            "a/Photobooth/b.jpg",
            "images/gen_images/a.png",
        ],
        *["TRA\u017fH/a.jpg", "templates/a.png", "a.jpg.zip"],
    ],
)
def test_other_objects_are_not(key: str) -> None:
    assert not is_indexed(key)
