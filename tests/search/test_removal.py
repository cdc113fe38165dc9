from hashlib import sha256

import pytest

from facetkit.errors import Unavailable, Upstream
from facetkit.jobs import Job, JobState
from facetkit.memory_objects import MemoryObjectStore
from tests.search.parts import Parts
from tests.search.watched_objects import WatchedObjects, fill


def keys(count: int) -> list[str]:
    return [f"shop/{number:03}.jpg" for number in range(count)]


async def filled(parts: Parts, objects: WatchedObjects, count: int) -> None:
    await fill(objects, {key: key.encode() for key in keys(count)})
    assert (await parts.synchronise()).result["indexed"] == count


async def take_away(objects: WatchedObjects, gone: list[str]) -> None:
    for key in gone:
        await objects.delete(key)


def refused(job: Job) -> bool:
    return job.state == JobState.FAILED and job.error_code == "conflict" and "force" in job.error


async def test_an_emptied_store_removes_nothing(parts: Parts, objects: WatchedObjects) -> None:
    await filled(parts, objects, 3)
    await take_away(objects, keys(3))
    job = await parts.synchronise()
    assert refused(job)
    assert job.error.startswith("3 of 3 known images are missing")
    assert len(await parts.found()) == 3


async def test_an_emptied_store_is_believed_with_force(
    parts: Parts, objects: WatchedObjects
) -> None:
    await filled(parts, objects, 3)
    await take_away(objects, keys(3))
    job = await parts.synchronise(force=True)
    assert (job.state, job.result["removed"]) == (JobState.SUCCEEDED, 3)
    assert await parts.found() == {}
    assert (await parts.manifest.counts()).images == 0


async def test_a_suspiciously_small_listing_removes_nothing(
    parts: Parts, objects: WatchedObjects
) -> None:
    await filled(parts, objects, 100)
    await take_away(objects, keys(51))
    await fill(objects, {"new.jpg": b"new"})
    job = await parts.synchronise()
    assert refused(job)
    assert job.error.startswith("51 of 100 known images are missing")
    assert job.result["indexed"] == 1
    assert (await parts.service.statistics()).rows.stored == 101
    forced = await parts.synchronise(force=True)
    assert (forced.state, forced.result["removed"]) == (JobState.SUCCEEDED, 51)
    assert len(await parts.found()) == 50


@pytest.mark.parametrize(("known", "gone"), [(60, 50), (300, 60)])
async def test_a_few_or_a_small_share_go_without_force(
    parts: Parts, objects: WatchedObjects, known: int, gone: int
) -> None:
    await filled(parts, objects, known)
    await take_away(objects, keys(gone))
    job = await parts.synchronise()
    assert (job.state, job.result["removed"]) == (JobState.SUCCEEDED, gone)
    assert (await parts.service.statistics()).rows.stored == known - gone


@pytest.mark.parametrize("error", [Unavailable("no answer"), Upstream("not whole")])
async def test_a_listing_that_breaks_off_removes_nothing(
    parts: Parts, objects: WatchedObjects, error: Exception
) -> None:
    objects.inner = MemoryObjectStore(page_size=10)
    await filled(parts, objects, 40)
    await take_away(objects, keys(5))

    async def break_off(page: int) -> None:
        if page == 2:
            raise error

    objects.before_page = break_off
    job = await parts.synchronise(force=True)
    assert (job.state, job.error) == (JobState.FAILED, str(error))
    assert len(await parts.found()) == 40
    objects.before_page = None
    assert (await parts.synchronise()).result["removed"] == 5


async def test_what_is_written_after_its_part_of_the_listing_stays(
    parts: Parts, objects: WatchedObjects
) -> None:
    objects.inner = MemoryObjectStore(page_size=2)
    await filled(parts, objects, 6)
    await take_away(objects, keys(2))

    async def write_late(page: int) -> None:
        await fill(objects, {keys(1)[0]: keys(1)[0].encode()})

    objects.before_page = write_late
    job = await parts.synchronise()
    assert (job.state, job.result["removed"]) == (JobState.SUCCEEDED, 1)
    assert objects.heads == keys(2)
    assert sorted(await parts.found()) == [keys(1)[0], *keys(6)[2:]]
    objects.before_page = None
    assert (await parts.synchronise()).result["indexed"] == 1


async def test_a_store_that_is_away_when_it_is_asked_once_more_removes_nothing(
    parts: Parts, objects: WatchedObjects
) -> None:
    await filled(parts, objects, 3)
    await take_away(objects, keys(1))
    objects.failing[keys(1)[0]] = Unavailable("no answer")
    job = await parts.synchronise()
    assert (job.state, job.error) == (JobState.FAILED, "no answer")
    assert len(await parts.found()) == 3


async def test_an_image_that_lost_its_key_in_a_kill_goes_with_the_next_run(
    parts: Parts, objects: WatchedObjects
) -> None:
    await filled(parts, objects, 3)
    await take_away(objects, keys(1))
    await parts.manifest.remove_keys(keys(1))
    assert (await parts.synchronise()).result["removed"] == 0
    assert sorted(await parts.found()) == keys(3)[1:]


async def test_it_goes_even_if_the_run_then_refuses_to_remove_anything(
    parts: Parts, objects: WatchedObjects
) -> None:
    await filled(parts, objects, 3)
    await take_away(objects, keys(3))
    await parts.manifest.remove_keys(keys(1))
    assert refused(await parts.synchronise())
    assert sorted(await parts.found()) == keys(3)[1:]


async def test_what_is_uploaded_after_it_was_looked_for_stays(
    parts: Parts, objects: WatchedObjects
) -> None:
    await fill(objects, {"shop/dog.jpg": b"dog"})
    lost = sorted([(await parts.originals.store(each)).item.key for each in (b"ring", b"cat")])
    await parts.synchronise()
    await take_away(objects, lost)
    first = b"ring" if sha256(b"ring").hexdigest() in lost[0] else b"cat"
    objects.before_head[lost[1]] = lambda: parts.originals.store(first)
    job = await parts.synchronise()
    assert (job.state, job.result["removed"]) == (JobState.SUCCEEDED, 1)
    assert sorted(await parts.found()) == [lost[0], "shop/dog.jpg"]
