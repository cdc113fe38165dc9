import asyncio
from hashlib import sha256

import pytest

from facetkit.jobs import JobState
from search.adapters.database import Database
from search.domain import Tier
from tests.search.alike import AlikeEmbedder
from tests.search.fakes import FakeEmbedder, MemoryCollections
from tests.search.parts import Parts, running
from tests.search.watched_objects import WatchedObjects, fill


def original(content: bytes) -> str:
    return f"images/{sha256(content).hexdigest()}.jpg"


@pytest.fixture
def embedder() -> AlikeEmbedder:
    return AlikeEmbedder()


async def told(parts: Parts, content: bytes) -> list[tuple[str, Tier, bool]]:
    """What is said to be similar when the content is stored once more."""
    stored = await parts.originals.store(content)
    assert stored.duplicate
    assert all(0.88 < each.score <= 1.0001 for each in stored.similar)
    return [(each.item.key, each.tier, each.same_pixels) for each in stored.similar]


async def test_what_is_similar_is_told_when_an_image_is_stored(parts: Parts) -> None:
    for content in (b"dog", b"ring^other", b"ring~same"):
        await parts.originals.store(content)
    assert (await parts.originals.store(b"cat")).similar == []
    similar = (await parts.originals.store(b"ring")).similar
    assert [(each.item.key, each.tier, each.same_pixels) for each in similar] == [
        (original(b"ring~same"), Tier.PICTURE, True),
        (original(b"ring^other"), Tier.PICTURE, False),
    ]


async def test_pairs_are_told_both_ways(parts: Parts) -> None:
    await parts.originals.store(b"ring")
    await parts.originals.store(b"ring~same")
    assert await told(parts, b"ring") == [(original(b"ring~same"), Tier.PICTURE, True)]
    assert await told(parts, b"ring~same") == [(original(b"ring"), Tier.PICTURE, True)]


async def test_other_keys_come_first_then_the_same_pixels_then_the_nearest(
    parts: Parts, objects: WatchedObjects
) -> None:
    contents = {"a.jpg": b"ring", "b.jpg": b"ring", "c.jpg": b"ring^1", "d.jpg": b"ring^2"}
    await fill(objects, {**contents, "e.jpg": b"ring~1", "f.jpg": b"dog"})
    await parts.synchronise()
    similar = (await parts.originals.store(b"ring")).similar
    keys = [each.item.key for each in similar]
    assert {keys[0], (await parts.nearest(b"ring")).key} == {"a.jpg", "b.jpg"}
    assert keys[1] == "e.jpg"
    assert sorted(keys[2:]) == ["c.jpg", "d.jpg"]
    assert [each.tier for each in similar] == [Tier.BYTES] + [Tier.PICTURE] * 3
    assert [each.same_pixels for each in similar] == [True, True, False, False]
    assert similar[2].score >= similar[3].score
    assert similar[0].score == 1.0


async def test_pairs_within_one_batch_are_found(parts: Parts, objects: WatchedObjects) -> None:
    await fill(objects, {"a.jpg": b"ring", "b.jpg": b"ring~1", "c.jpg": b"ring^1"})
    assert (await parts.synchronise()).result["indexed"] == 3
    assert len(await parts.pairs.all(parts.index.active.name)) == 3


async def test_the_same_pixels_are_a_pair_whatever_their_vectors(
    database: Database, objects: WatchedObjects, collections: MemoryCollections
) -> None:
    async with running(Parts(database, objects, collections, [FakeEmbedder()])) as parts:
        await parts.originals.store(b"ring")
        for number in range(100):
            await fill(objects, {f"{number}.jpg": b"dog %d" % number})
        await parts.synchronise()
        (similar,) = (await parts.originals.store(b"ring~same")).similar
        assert (similar.item.key, similar.same_pixels) == (original(b"ring"), True)
        assert similar.score < 0.88


async def test_pairs_go_with_their_image(parts: Parts) -> None:
    await parts.originals.store(b"ring")
    await parts.originals.store(b"ring~same")
    await parts.originals.delete(original(b"ring"))
    assert await parts.pairs.all(parts.index.active.name) == []
    assert await told(parts, b"ring~same") == []


async def test_pairs_are_found_again_when_their_image_comes_back(parts: Parts) -> None:
    await parts.originals.store(b"ring")
    await parts.originals.store(b"ring~same")
    await parts.originals.delete(original(b"ring"))
    similar = (await parts.originals.store(b"ring")).similar
    assert [each.item.key for each in similar] == [original(b"ring~same")]


async def test_pairs_of_a_changed_object_are_those_of_its_new_content(
    parts: Parts, objects: WatchedObjects
) -> None:
    await fill(objects, {"a.jpg": b"ring", "b.jpg": b"ring~1", "c.jpg": b"dog"})
    await parts.synchronise()
    await fill(objects, {"b.jpg": b"dog~1"})
    assert (await parts.synchronise()).state == JobState.SUCCEEDED
    (pair,) = await parts.pairs.all(parts.index.active.name)
    expected = sorted(sha256(content).hexdigest() for content in (b"dog", b"dog~1"))
    assert [pair.first, pair.second] == expected


async def test_images_that_come_in_at_once_find_each_other(
    database: Database, objects: WatchedObjects, collections: MemoryCollections
) -> None:
    async with running(Parts(database, objects, collections, [AlikeEmbedder()])) as parts:
        contents = [b"ring~%d" % number for number in range(8)]
        await asyncio.gather(*map(parts.originals.store, contents))
        assert len(await parts.pairs.all(parts.index.active.name)) == 8 * 7 / 2
