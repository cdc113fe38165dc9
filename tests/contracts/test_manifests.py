"""One contract for every manifest, with its holdings, missing keys and pairs."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from search.adapters.sql_holdings import SqlHoldings, SqlMissingKeys, SqlPairs
from search.adapters.sql_manifest import SqlManifest
from search.domain import Fingerprint, Item, ModelInfo, Tier
from search.duplicates import Pair
from search.manifest import Counts, Entry, Image

pytest_plugins = ("tests.database_fixtures",)

KEYS = [
    *("B/1.jpg", "a/1.jpg", "a b.jpg", "a%.jpg", "a_.jpg", "ab.jpg", "A.jpg", "a.jpg", "ä.jpg"),
    *("Я.jpg", "я.jpg", "a-1.jpg", "a/a/1.jpg", "\uffff.jpg", "😀.jpg", "😀/1.jpg", "%.jpg"),
]
IN_BYTES = sorted(KEYS, key=str.encode)
BEGIN = datetime(2026, 1, 1, 12, 0, 0, 123000, UTC)


@pytest.fixture
def manifest(engine: AsyncEngine) -> SqlManifest:
    return SqlManifest(engine)


@pytest.fixture
def other(other_engine: AsyncEngine) -> SqlManifest:
    """The same manifest as another process has it."""
    return SqlManifest(other_engine)


@pytest.fixture
def holdings(engine: AsyncEngine) -> SqlHoldings:
    return SqlHoldings(engine)


@pytest.fixture
def missing(engine: AsyncEngine) -> SqlMissingKeys:
    return SqlMissingKeys(engine)


@pytest.fixture
def pairs(engine: AsyncEngine) -> SqlPairs:
    return SqlPairs(engine)


def an_id(number: int) -> str:
    return f"{number:064x}"


def an_entry(key: str, number: int = 0) -> Entry:
    return Entry(key, f'"{number}"', 3_000_000_000 + number, an_id(number))


def an_image(number: int, key: str = "a.jpg") -> Image:
    item = Item(an_id(number), key, "image/jpeg", 1000 + number, 640, 480, BEGIN)
    return Image(item, Fingerprint(an_id(number % 10), bytes([number % 256, 0, 255])))


async def put(manifest: SqlManifest, numbers: Sequence[int], collection: str = "c") -> list[str]:
    """Images, each with one key; answers the keys."""
    keys = [f"{number:05d}.jpg" for number in numbers]
    entries = [an_entry(key, number) for key, number in zip(keys, numbers, strict=True)]
    images = [an_image(number, key) for key, number in zip(keys, numbers, strict=True)]
    await manifest.record(entries, images, {collection: [image.item.id for image in images]})
    return keys


async def test_an_empty_manifest_knows_nothing(manifest: SqlManifest) -> None:
    assert await manifest.known("", None) == {}
    assert await manifest.entry("a.jpg") is None
    assert await manifest.keys_of([]) == await manifest.keys_of([an_id(1)]) == {}
    assert await manifest.images([an_id(1)]) == {}
    assert await manifest.with_pixels([an_id(1)]) == {}
    assert await manifest.remove_keys(["a.jpg"]) == []
    assert await manifest.record([], [], {}) == []
    assert await manifest.counts() == Counts(0, 0, 0)


async def test_what_was_recorded_is_known(manifest: SqlManifest) -> None:
    image = an_image(1)
    broken = Entry("b.jpg", "e", 5, "", "unprocessable", "the image is damaged")
    assert await manifest.record([an_entry("a.jpg", 1), broken], [image], {}) == []
    assert await manifest.entry("a.jpg") == an_entry("a.jpg", 1)
    assert await manifest.entry("b.jpg") == broken
    assert await manifest.images([an_id(1), an_id(2)]) == {an_id(1): image}
    assert await manifest.known("", None) == {
        "a.jpg": ('"1"', 3_000_000_001),
        "b.jpg": ("e", 5),
    }
    assert await manifest.counts() == Counts(keys=2, broken_keys=1, images=1)


async def test_an_image_may_lack_its_fingerprint_and_keeps_one_it_has(
    manifest: SqlManifest,
) -> None:
    full = an_image(1)
    bare = Image(full.item)
    for recorded, expected in ((bare, bare), (full, full), (bare, full)):
        await manifest.record([], [recorded], {})
        assert await manifest.images([an_id(1)]) == {an_id(1): expected}


async def test_windows_of_keys_follow_the_order_of_bytes(manifest: SqlManifest) -> None:
    await manifest.record([an_entry(key) for key in KEYS], [an_image(0)], {})
    for first in range(len(IN_BYTES)):
        for last in (first, first + 1, first + 5):
            window = IN_BYTES[first + 1 : last + 1]
            found = await manifest.known(IN_BYTES[first], IN_BYTES[min(last, len(KEYS) - 1)])
            assert sorted(found, key=str.encode) == window
    assert sorted(await manifest.known("", IN_BYTES[0])) == IN_BYTES[:1]
    assert sorted(await manifest.known(IN_BYTES[3], None), key=str.encode) == IN_BYTES[4:]


async def test_keys_of_an_image_come_in_the_order_of_bytes(manifest: SqlManifest) -> None:
    await manifest.record([an_entry(key) for key in KEYS], [an_image(0)], {})
    assert await manifest.keys_of([an_id(0)]) == {an_id(0): IN_BYTES}


async def test_thousands_of_ids_at_once(
    manifest: SqlManifest, holdings: SqlHoldings, missing: SqlMissingKeys
) -> None:
    numbers = range(2500)
    ids = [an_id(number) for number in numbers]
    keys = await put(manifest, numbers)
    assert await manifest.keys_of(ids) == {id: [key] for id, key in zip(ids, keys, strict=True)}
    assert list(await manifest.images(ids)) == ids
    assert await holdings.of(ids) == {image_id: {"c"} for image_id in ids}
    same = await manifest.with_pixels(ids)
    assert {pixels: len(found) for pixels, found in same.items()} == dict.fromkeys(ids[:10], 250)
    assert same[ids[3]] == ids[3::10]
    await missing.mark(keys, "job")
    assert await missing.count("job") == 2500
    await missing.unmark(keys[:2000])
    assert await missing.page("job", "", 5000) == keys[2000:]
    await holdings.change("c", [], ids[:2000])
    assert await holdings.ids("c") == set(ids[2000:])
    assert await manifest.remove_keys(keys) == ids
    assert await manifest.known("", None) == {}


async def test_recording_answers_the_images_that_lost_a_key(manifest: SqlManifest) -> None:
    keys = await put(manifest, [1, 2, 3, 4])
    changed = [
        an_entry(keys[0], 1),
        an_entry(keys[1], 4),
        Entry(keys[2], "new", 1, "", "unprocessable", "damaged"),
        an_entry("new.jpg", 9),
    ]
    assert await manifest.record(changed, [an_image(9)], {}) == [an_id(2), an_id(3)]
    assert await manifest.keys_of([an_id(number) for number in (1, 2, 3, 4, 9)]) == {
        an_id(1): [keys[0]],
        an_id(4): [keys[1], keys[3]],
        an_id(9): ["new.jpg"],
    }
    assert await manifest.record([an_entry(keys[2], 5)], [an_image(5)], {}) == []


async def test_of_one_key_in_a_batch_the_last_entry_stays(manifest: SqlManifest) -> None:
    await put(manifest, [1])
    entries = [an_entry("00001.jpg", 2), an_entry("00001.jpg", 1), an_entry("a.jpg", 2)]
    assert await manifest.record(entries, [an_image(2)], {}) == []
    assert await manifest.entry("00001.jpg") == an_entry("00001.jpg", 1)


async def test_removing_keys_answers_the_images_that_they_led_to(manifest: SqlManifest) -> None:
    keys = await put(manifest, [1, 2])
    extra = [an_entry("z.jpg", 2), Entry("broken.jpg", "e", 1, "", "unprocessable", "damaged")]
    await manifest.record(extra, [], {})
    assert await manifest.remove_keys(["z.jpg", "broken.jpg", "unknown"]) == [an_id(2)]
    assert await manifest.remove_keys(keys) == [an_id(1), an_id(2)]
    assert await manifest.counts() == Counts(0, 0, 2)


async def test_a_record_is_written_whole_or_not_at_all(
    manifest: SqlManifest, holdings: SqlHoldings
) -> None:
    bad = replace(an_image(2).item, content_type=None)  # type: ignore[arg-type]
    with pytest.raises(IntegrityError):
        await manifest.record([an_entry("a.jpg", 1)], [an_image(1), Image(bad)], {"c": [an_id(1)]})
    assert await manifest.counts() == Counts(0, 0, 0)
    assert await holdings.count("c") == 0


async def test_of_records_at_once_each_image_that_lost_the_key_is_answered_once(
    manifest: SqlManifest, other: SqlManifest
) -> None:
    numbers = range(1, 25)
    answers = await asyncio.gather(
        *(
            each.record([an_entry("a.jpg", number)], [an_image(number)], {})
            for each, number in zip((manifest, other) * 12, numbers, strict=True)
        )
    )
    left = await manifest.entry("a.jpg")
    assert left is not None
    lost = [image_id for answer in answers for image_id in answer]
    assert sorted([*lost, left.image_id]) == [an_id(number) for number in numbers]


async def test_writers_of_the_same_rows_in_other_orders_do_not_block_each_other(
    manifest: SqlManifest, other: SqlManifest, missing: SqlMissingKeys
) -> None:
    entries = [an_entry(f"{number}.jpg", number) for number in range(50)]
    images = [an_image(number) for number in range(50)]
    ids = [image.item.id for image in images]
    keys = [entry.key for entry in entries]
    for _ in range(5):
        await asyncio.gather(
            manifest.record(entries, images, {"c": ids}),
            other.record(entries[::-1], images[::-1], {"c": ids[::-1]}),
            *(other.forget_image(image_id) for image_id in ids[:5]),
            missing.mark(keys[::-1], "job"),
            other.remove_keys(keys[::-1]),
        )
    await manifest.record(entries, images, {})
    assert (await manifest.counts()).keys == 50


async def test_images_are_found_by_another_key(manifest: SqlManifest) -> None:
    entries = [an_entry(key, number) for number, key in enumerate(KEYS)]
    images = [an_image(number, f"images/{number}.jpg") for number in range(len(KEYS))]
    await manifest.record(entries, images, {})
    by_key = {entry.key: entry.image_id for entry in entries}
    for prefix in (
        "a",
        "A",
        "a%",
        "a_",
        "a ",
        "a/",
        "a/a",
        "ä",
        "я",
        "Я",
        "😀",
        "😀/",
        "%",
        "\uffff",
    ):
        expected = {by_key[key]: key for key in KEYS if key.startswith(prefix)}
        assert await manifest.with_other_key(prefix) == expected
    assert await manifest.with_other_key("images/") == {}


async def test_images_whose_own_key_begins_so_need_no_other(manifest: SqlManifest) -> None:
    await manifest.record(
        [an_entry("a/1.jpg", 1), an_entry("a/2.jpg", 1), an_entry("b/1.jpg", 1)],
        [an_image(1, "a/2.jpg")],
        {},
    )
    assert await manifest.with_other_key("a/") == {}
    assert await manifest.with_other_key("a/1") == {an_id(1): "a/1.jpg"}
    assert await manifest.with_other_key("b/") == {an_id(1): "b/1.jpg"}
    await manifest.name_by(an_id(1), "b/1.jpg")
    assert await manifest.with_other_key("a/") == {an_id(1): "a/1.jpg"}
    assert await manifest.with_other_key("") == {}


async def test_misnamed_images_are_found_in_pages(manifest: SqlManifest) -> None:
    keys = await put(manifest, range(10))
    assert await manifest.misnamed("", 100) == []
    await manifest.record([an_entry("second.jpg", 4), an_entry(keys[6], 5)], [], {})
    await manifest.remove_keys([keys[number] for number in (2, 3, 4)])
    expected = [an_id(number) for number in (2, 3, 4, 6)]
    assert await manifest.misnamed("", 100) == expected
    assert await manifest.misnamed("", 2) == expected[:2]
    assert await manifest.misnamed(expected[1], 100) == expected[2:]
    await manifest.name_by(an_id(4), "second.jpg")
    await manifest.forget_image(an_id(2))
    assert await manifest.misnamed("", 100) == [an_id(3), an_id(6)]


async def test_a_forgotten_image_leaves_nothing(
    manifest: SqlManifest, holdings: SqlHoldings, pairs: SqlPairs
) -> None:
    await put(manifest, [1, 2, 3])
    others = Pair(an_id(2), an_id(3), Tier.NEAR, 0.9, False)
    gone = [Pair(an_id(1), an_id(2), Tier.NEAR, 0.9, False)]
    gone += [Pair(an_id(0), an_id(1), Tier.NEAR, 0.9, False)]
    await pairs.add("c", [others, *gone])
    await manifest.forget_image(an_id(1))
    assert list(await manifest.images([an_id(1), an_id(2)])) == [an_id(2)]
    assert await holdings.ids("c") == {an_id(2), an_id(3)}
    assert await pairs.all("c") == [others]


async def test_keys_that_a_listing_lacked_are_kept_by_job(
    manifest: SqlManifest, missing: SqlMissingKeys
) -> None:
    await manifest.record([an_entry(key) for key in KEYS], [], {})
    await missing.mark([*KEYS, "unknown"], "first")
    await missing.mark(IN_BYTES[:2], "second")
    await missing.unmark([IN_BYTES[2]])
    await manifest.record([an_entry(IN_BYTES[3])], [], {})
    await manifest.remove_keys([IN_BYTES[4]])
    assert await missing.page("first", "", 100) == IN_BYTES[5:]
    assert await missing.count("first") == len(IN_BYTES) - 5
    assert await missing.page("first", IN_BYTES[6], 2) == IN_BYTES[7:9]
    assert await missing.page("second", "", 100) == IN_BYTES[:2]
    await missing.unmark_all()
    assert await missing.count("first") == await missing.count("second") == 0


async def test_images_that_a_collection_lacks_come_in_pages(
    manifest: SqlManifest, holdings: SqlHoldings
) -> None:
    await put(manifest, range(10))
    ids = [an_id(number) for number in range(10)]
    await holdings.change("new", ids[3:5], [])
    lacking = [ids[number] for number in (0, 1, 2, 5, 6, 7, 8, 9)]
    assert [image.item.id for image in await holdings.lacking("new", "", 100)] == lacking
    assert [image.item.id for image in await holdings.lacking("new", ids[1], 2)] == lacking[2:4]
    assert await holdings.lacking("c", "", 100) == []
    assert await holdings.lacking("new", ids[8], 1) == [an_image(9, "00009.jpg")]


async def test_holdings_change_both_ways(manifest: SqlManifest, holdings: SqlHoldings) -> None:
    ids = [an_id(number) for number in range(6)]
    await put(manifest, range(3))
    await holdings.change("c", [ids[5], ids[4], ids[0]], [ids[1], ids[3]])
    await holdings.change("d", [ids[0]], [])
    assert await holdings.ids("c") == {ids[0], ids[2], ids[4], ids[5]}
    assert (await holdings.count("c"), await holdings.count("d")) == (4, 1)
    assert await holdings.of(ids[:3]) == {ids[0]: {"c", "d"}, ids[2]: {"c"}}


async def test_models_are_remembered_oldest_first_until_forgotten(
    manifest: SqlManifest, holdings: SqlHoldings, pairs: SqlPairs
) -> None:
    first, second = (ModelInfo("clip", version, "demo", 512) for version in ("1", "2"))
    await holdings.remember("z", first)
    await holdings.remember("a", second)
    await holdings.remember("z", replace(first, name="another"))
    assert list((await holdings.models()).items()) == [("z", first), ("a", second)]
    await put(manifest, [1], "z")
    await holdings.change("a", [an_id(1)], [])
    for collection in "za":
        await pairs.add(collection, [Pair(an_id(0), an_id(1), Tier.NEAR, 0.9, False)])
    await holdings.forget("z")
    assert await holdings.models() == {"a": second}
    assert (await holdings.count("z"), await holdings.count("a")) == (0, 1)
    assert (len(await pairs.all("z")), len(await pairs.all("a"))) == (0, 1)


async def test_pairs_are_found_from_both_sides_and_replaced(pairs: SqlPairs) -> None:
    made = [
        Pair(an_id(1), an_id(2), Tier.PICTURE, 0.123456789012345, True),
        Pair(an_id(1), an_id(3), Tier.NEAR, 1.0000001, False),
        Pair(an_id(2), an_id(3), Tier.NEAR, 0.5, False),
    ]
    await pairs.add("c", [])
    await pairs.add("c", made[::-1])
    assert await pairs.all("c") == made
    assert await pairs.of("c", an_id(2)) == [made[0], made[2]]
    assert await pairs.of("c", an_id(9)) == await pairs.all("d") == []
    better = replace(made[1], tier=Tier.PICTURE, score=0.75, same_pixels=True)
    await pairs.add("c", [made[1], better])
    await pairs.add("d", [made[1]])
    assert await pairs.all("c") == [made[0], better, made[2]]


async def test_images_with_several_keys_are_shared(manifest: SqlManifest, pairs: SqlPairs) -> None:
    await put(manifest, [3, 2, 1])
    broken = [Entry(key, "", 1, "", "unprocessable", "damaged") for key in ("x.jpg", "y.jpg")]
    await manifest.record([an_entry("b.jpg", 3), an_entry("a.jpg", 1), *broken], [], {})
    assert await pairs.shared() == [an_id(1), an_id(3)]
