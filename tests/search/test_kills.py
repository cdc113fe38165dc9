"""Wherever a process dies, the next one brings everything to the same end."""

import asyncio
import copy
import dataclasses
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import URL

from facetkit.jobs import JobState
from facetkit.memory_objects import MemoryObjectStore
from facetkit.sql_jobs import SqlJobStore
from search.adapters.tables import JOBS
from search.domain import Tier, key_of
from search.sync import rebuilding, synchronisation
from tests.databases import SqliteDatabases
from tests.search.dying import Life, MortalEmbedder, lived
from tests.search.fakes import MODEL, MemoryCollections
from tests.search.parts import Parts, connected
from tests.search.watched_objects import WatchedObjects, fill

DEATHS = 8
IN_FLIGHT = 8 + 4
"""A batch, and the objects that are being read or embedded."""

NEXT = dataclasses.replace(MODEL, version="2")

BEFORE = {
    **{f"old/{number:02}.jpg": b"old %d" % number for number in range(20)},
    "moved/from.jpg": b"moves",
    "twice/a.jpg": b"twice",
    "twice/b.jpg": b"twice",
    "bad.jpg": b"bad",
}
AFTER = {
    **{f"old/{number:02}.jpg": b"old %d" % number for number in range(15)},
    **{f"old/{number:02}.jpg": b"changed %d" % number for number in range(15, 18)},
    **{f"new/{number:02}.jpg": b"new %d" % number for number in range(30)},
    **{f"alike/{number:02}.jpg": b"new %d~again" % number for number in range(0, 30, 5)},
    "moved/to.jpg": b"moves",
    "twice/b.jpg": b"twice",
    "thrice.jpg": b"new 3",
    "bad.jpg": b"bad",
    "worse.jpg": b"bad too",
}
CHANGED = [key for key, content in AFTER.items() if BEFORE.get(key) != content]
GOOD = {key: content for key, content in AFTER.items() if not content.startswith(b"bad")}
IMAGES = {sha256(content).hexdigest() for content in GOOD.values()}

Deeds = Callable[[Parts], Awaitable[object]]


@dataclass
class World:
    """What outlives a process."""

    url: URL
    objects: WatchedObjects
    collections: MemoryCollections
    embedder: MortalEmbedder

    async def live(self, life: Life, deeds: Deeds) -> bool:
        return await lived(life, self.url, self.objects, self.collections, self.embedder, deeds)

    async def is_whole(self, parts: Parts) -> None:
        """Asserts that exactly what the bucket has is found."""
        found = await parts.found()
        bucket = [info.key async for page in self.objects.pages() for info in page]
        contents = {key: (await self.objects.get(key)).content for key in bucket}
        images = {key: sha256(content).hexdigest() for key, content in contents.items()}
        assert found.items() <= images.items()
        good = {images[key] for key in bucket if not contents[key].startswith(b"bad")}
        assert sorted(found.values()) == sorted(good)
        told = await parts.service.statistics()
        assert (told.rows.stored, told.counts.keys) == (len(good), len(bucket))

    async def copy(self, folder: Path, number: int) -> "World":
        """The same world once more."""
        file = folder / f"{number}.db"
        shutil.copy(str(self.url.database), file)
        collections = MemoryCollections()
        collections.kept.update({name: dict(rows) for name, rows in self.collections.kept.items()})
        if active := await self.collections.active():
            await collections.switch(active)
        embedder = MortalEmbedder(self.embedder.info)
        url = self.url.set(database=str(file))
        objects = WatchedObjects(copy.deepcopy(self.objects.inner))
        return World(url, objects, collections, embedder)


@dataclass(frozen=True)
class Outcome:
    """What there is at the end."""

    found: dict[str, str]
    keys: dict[str, list[str]]
    pairs: list[tuple[str, str, Tier]]
    stored: int
    broken_keys: int


async def outcome(parts: Parts) -> Outcome:
    told = await parts.service.statistics()
    keys = await parts.manifest.keys_of(sorted(IMAGES))
    pairs = await parts.pairs.all(told.rows.collection)
    found = await parts.found()
    paired = [(pair.first, pair.second, pair.tier) for pair in pairs]
    return Outcome(found, keys, paired, told.rows.stored, told.counts.broken_keys)


def check(found: Outcome) -> None:
    assert found.stored == len(found.found) == len(IMAGES)
    assert {key: sha256(GOOD[key]).hexdigest() for key in found.found} == found.found
    assert sorted(key for keys in found.keys.values() for key in keys) == sorted(GOOD)
    assert found.broken_keys == 2


@pytest.fixture
async def world(search_databases: SqliteDatabases) -> World:
    """A bucket that was synchronised once, and has changed since."""
    objects = WatchedObjects(MemoryObjectStore(page_size=7))
    made = World(search_databases.migrated(), objects, MemoryCollections(), MortalEmbedder())
    await fill(objects, BEFORE)
    await made.live(Life(), lambda parts: parts.synchronise())
    for key in BEFORE.keys() - AFTER.keys():
        await objects.delete(key)
    await fill(objects, {key: AFTER[key] for key in CHANGED})
    return made


async def queued(world: World, kind: str, options: dict[str, object]) -> str:
    """A job that no process has begun."""
    async with connected(world.url) as database:
        store = SqlJobStore(database.engine, JOBS, "sync")
        return (await store.add(kind, "index", options)).id


def until_ended(job_id: str) -> Deeds:
    """Waits for the end of a job."""

    async def deeds(parts: Parts) -> None:
        # Looks seldom: that takes steps as well.
        while not (await parts.job_store.get(job_id)).state.final:
            await asyncio.sleep(0.05)

    return deeds


async def killed_everywhere(
    world: World, folder: Path, deeds: Deeds, times: int = 1
) -> AsyncIterator[World]:
    """The world after its process was killed, for many moments; first after it was not."""
    whole = Life()
    undisturbed = await world.copy(folder, 0)
    assert await undisturbed.live(whole, deeds)
    yield undisturbed
    deaths = 0
    for steps in range(1, whole.taken, max(1, whole.taken // DEATHS)):
        again = await world.copy(folder, steps)
        for _ in range(times):
            deaths += not await again.live(Life(steps), deeds)
        yield again
    assert deaths > DEATHS / 2


async def finish(world: World, job_id: str) -> Outcome:
    """What a process that is not killed makes of the rest, and of another synchronisation."""
    outcomes = []

    async def deeds(parts: Parts) -> None:
        job = await parts.ended(job_id)
        assert (job.state, job.error) == (JobState.SUCCEEDED, "")
        gets = len(world.objects.gets)
        assert (await parts.synchronise()).state == JobState.SUCCEEDED
        assert len(world.objects.gets) == gets
        outcomes.append(await outcome(parts))

    assert await world.live(Life(), deeds)
    return outcomes[0]


@pytest.mark.parametrize("times", [1, 2])
async def test_a_synchronisation_that_is_killed(world: World, tmp_path: Path, times: int) -> None:
    job_id = await queued(world, synchronisation.KIND, {"force": False})
    expected: Outcome | None = None
    async for each in killed_everywhere(world, tmp_path, until_ended(job_id), times):
        found = await finish(each, job_id)
        check(found)
        expected = expected or found
        assert found == expected
        assert len(each.objects.gets) <= len(CHANGED) + times * IN_FLIGHT
    assert expected
    assert expected.pairs


@pytest.mark.parametrize("times", [1, 2])
async def test_a_model_change_that_is_killed(world: World, tmp_path: Path, times: int) -> None:
    await world.live(Life(), lambda parts: parts.synchronise())
    world.embedder.info = NEXT
    world.objects.gets.clear()
    job_id = await queued(world, rebuilding.KIND, {"collection": world.collections.name(NEXT)})
    expected: Outcome | None = None
    async for each in killed_everywhere(world, tmp_path, until_ended(job_id), times):
        found = await finish(each, job_id)
        check(found)
        expected = expected or found
        assert found == expected
        assert await each.collections.active() == each.collections.name(NEXT)
        assert len(each.embedder.embedded) <= len(IMAGES) + times * IN_FLIGHT
    assert expected
    assert expected.pairs


async def some_changes(parts: Parts) -> None:
    """What callers do, and the bucket's owner before them."""
    await parts.originals.store(b"upload 1")
    await parts.originals.store(b"upload 2")
    await parts.originals.store(b"moves")
    await parts.originals.delete(key_of(sha256(b"upload 1").hexdigest(), "image/jpeg"))


async def test_uploads_and_deletions_that_are_killed(world: World, tmp_path: Path) -> None:
    await world.live(Life(), lambda parts: parts.synchronise())
    await world.objects.delete("moved/to.jpg")
    async for each in killed_everywhere(world, tmp_path, some_changes):
        await each.live(Life(), lambda parts: parts.synchronise())
        await each.live(Life(), each.is_whole)
