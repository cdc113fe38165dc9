"""What a process finds when it starts again over data that do not agree."""

from hashlib import sha256

from facetkit.jobs import JobState
from search.adapters.database import Database
from search.domain import Row
from tests.databases import SqliteDatabases
from tests.search.alike import AlikeEmbedder
from tests.search.fakes import MODEL, FakeEmbedder, MemoryCollections
from tests.search.parts import Parts, connected, running
from tests.search.vector_rows import row
from tests.search.watched_objects import WatchedObjects, fill

CONTENTS = {f"shop/{number:02}.jpg": b"ring %d" % number for number in range(20)}
NAME = MemoryCollections().name(MODEL)


def ids(*keys: str) -> list[str]:
    return [sha256(CONTENTS[key]).hexdigest() for key in keys]


async def synchronised(
    database: Database,
    objects: WatchedObjects,
    collections: MemoryCollections,
    more: dict[str, bytes] | None = None,
) -> dict[str, Row]:
    """A process that has indexed everything, and ended; answers the rows that it left."""
    contents = CONTENTS | (more or {})
    await fill(objects, contents)
    async with running(Parts(database, objects, collections, [AlikeEmbedder()])) as parts:
        assert (await parts.synchronise()).result["indexed"] == len(contents)
    objects.gets.clear()
    return collections.kept[NAME]


async def test_rows_without_records_go(
    database: Database,
    objects: WatchedObjects,
    collections: MemoryCollections,
    embedder: FakeEmbedder,
) -> None:
    rows = await synchronised(database, objects, collections)
    rows |= {each.item.id: each for each in (row(1), row(2))}
    async with running(Parts(database, objects, collections, [embedder])) as parts:
        assert sorted(await parts.found()) == sorted(CONTENTS)
        assert len(rows) == len(CONTENTS)


async def test_rows_of_known_images_without_records_come_in_anew_with_their_pairs(
    database: Database, objects: WatchedObjects, collections: MemoryCollections
) -> None:
    await synchronised(database, objects, collections, {"shop/again.jpg": b"ring 3~again"})
    async with running(Parts(database, objects, collections, [AlikeEmbedder()])) as parts:
        (pair,) = await parts.pairs.all(NAME)
        image = (await parts.manifest.images(ids("shop/03.jpg")))[ids("shop/03.jpg")[0]]
        await parts.manifest.forget_image(image.item.id)
        await parts.manifest.record([], [image], {})
    embedder = AlikeEmbedder()
    async with running(Parts(database, objects, collections, [embedder])) as parts:
        assert (await parts.rebuild()).state == JobState.SUCCEEDED
        assert embedder.embedded == [b"ring 3"]
        assert [each.second for each in await parts.pairs.all(NAME)] == [pair.second]
        assert sorted(await parts.found()) == sorted([*CONTENTS, "shop/again.jpg"])


async def test_records_without_rows_are_embedded_again(
    database: Database,
    objects: WatchedObjects,
    collections: MemoryCollections,
    embedder: FakeEmbedder,
) -> None:
    rows = await synchronised(database, objects, collections)
    for image_id in ids("shop/03.jpg", "shop/05.jpg"):
        del rows[image_id]
    async with running(Parts(database, objects, collections, [embedder])) as parts:
        lacking = await parts.holdings.lacking(NAME, "", 10)
        assert sorted(each.item.key for each in lacking) == ["shop/03.jpg", "shop/05.jpg"]
        job = await parts.rebuild()
        assert (job.state, job.done, job.total) == (JobState.SUCCEEDED, 20, 20)
        assert sorted(await parts.found()) == sorted(CONTENTS)
        assert sorted(embedder.embedded) == [b"ring 3", b"ring 5"]


async def test_as_many_lacking_rows_as_unknown_ones_are_seen_by_the_next_rebuilding(
    database: Database,
    objects: WatchedObjects,
    collections: MemoryCollections,
    embedder: FakeEmbedder,
) -> None:
    rows = await synchronised(database, objects, collections)
    del rows[ids("shop/03.jpg")[0]]
    rows[row(1).item.id] = row(1)
    async with running(Parts(database, objects, collections, [embedder])) as parts:
        assert (await parts.rebuild()).state == JobState.SUCCEEDED
        assert sorted(await parts.found()) == sorted(CONTENTS)


async def test_a_vector_store_put_back_from_an_older_copy(
    database: Database,
    objects: WatchedObjects,
    collections: MemoryCollections,
    embedder: FakeEmbedder,
) -> None:
    older = dict(await synchronised(database, objects, collections))
    await fill(objects, {"new.jpg": b"new", "shop/01.jpg": b"changed", "moved.jpg": b"ring 2"})
    await objects.delete("shop/02.jpg")
    async with running(Parts(database, objects, collections, [embedder])) as parts:
        await parts.synchronise()
        there = await parts.found()
    collections.kept[NAME] = older
    async with running(Parts(database, objects, collections, [embedder])) as parts:
        assert (await parts.rebuild()).state == JobState.SUCCEEDED
        assert await parts.found() == there


async def test_an_empty_database_takes_over_what_the_collection_has(
    database: Database,
    search_databases: SqliteDatabases,
    objects: WatchedObjects,
    collections: MemoryCollections,
    embedder: FakeEmbedder,
) -> None:
    await synchronised(database, objects, collections)
    await fill(objects, {"shop/again.jpg": b"ring 3~again", "shop/00.jpg": b"changed"})
    await objects.delete("shop/01.jpg")
    async with (
        connected(search_databases.migrated()) as empty,
        running(Parts(empty, objects, collections, [embedder])) as parts,
    ):
        assert sorted(await parts.found()) == sorted(CONTENTS)
        assert (await parts.manifest.counts()).images == 20
        job = await parts.synchronise()
        assert (job.state, job.result["removed"]) == (JobState.SUCCEEDED, 1)
        assert sorted(embedder.embedded) == [b"changed", b"ring 3~again"]
        assert len(objects.gets) == 20
        images = await parts.manifest.images(ids(*CONTENTS))
        assert all(image.fingerprint for image in images.values())
        keys = [info.key async for page in objects.pages() for info in page]
        assert sorted(await parts.found()) == keys
        objects.gets.clear()
        await parts.synchronise()
        assert objects.gets == []


async def test_duplicates_of_what_was_taken_over_are_found_by_the_next_synchronisation(
    database: Database,
    search_databases: SqliteDatabases,
    objects: WatchedObjects,
    collections: MemoryCollections,
) -> None:
    await synchronised(database, objects, collections, {"shop/again.jpg": b"ring 3~again"})
    async with (
        connected(search_databases.migrated()) as empty,
        running(Parts(empty, objects, collections, [AlikeEmbedder()])) as parts,
    ):
        assert await parts.pairs.all(NAME) == []
        await parts.synchronise()
        (pair,) = await parts.pairs.all(NAME)
        expected = sorted(sha256(each).hexdigest() for each in (b"ring 3", b"ring 3~again"))
        assert [pair.first, pair.second] == expected


async def test_an_empty_collection_over_a_filled_database_is_filled_again(
    database: Database, objects: WatchedObjects, embedder: FakeEmbedder
) -> None:
    await synchronised(database, objects, MemoryCollections())
    async with running(Parts(database, objects, MemoryCollections(), [embedder])) as parts:
        assert await parts.found() == {}
        assert await parts.holdings.count(NAME) == 0
        job = await parts.rebuild()
        assert (job.state, job.done, job.total) == (JobState.SUCCEEDED, 20, 20)
        assert sorted(await parts.found()) == sorted(CONTENTS)
        assert len(embedder.embedded) == 20
