import asyncio

import pytest

from facetkit.errors import Conflict, FacetError, NotReady, Overloaded, Unavailable
from facetkit.jobs import JobState
from search.adapters.database import Database
from search.domain import ImageVector
from tests.search.fakes import FakeEmbedder, MemoryCollections
from tests.search.parts import Parts, running
from tests.search.watched_objects import WatchedObjects, fill


def keys(count: int) -> list[str]:
    return [f"shop/{number:03}.jpg" for number in range(count)]


async def put(objects: WatchedObjects, count: int) -> None:
    await fill(objects, {key: key.encode() for key in keys(count)})


class MoodyEmbedder(FakeEmbedder):
    """Raises `errors` first, then for contents in `refused` each time."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[FacetError] = []
        self.away: FacetError | None = None
        self.refused: dict[bytes, FacetError] = {}

    async def embed_image(self, content: bytes, *, bulk: bool = False) -> ImageVector:
        if self.errors:
            raise self.errors.pop()
        if self.away:
            raise self.away
        if content in self.refused:
            raise self.refused[content]
        return await super().embed_image(content, bulk=bulk)


@pytest.fixture
def embedder() -> MoodyEmbedder:
    return MoodyEmbedder()


@pytest.mark.parametrize("error", [Unavailable, NotReady, Overloaded])
async def test_vision_models_that_are_away_for_a_while_are_waited_for(
    parts: Parts, objects: WatchedObjects, embedder: MoodyEmbedder, error: type[FacetError]
) -> None:
    await put(objects, 10)
    embedder.errors = [error("a moment")] * 2
    job = await parts.synchronise()
    assert (job.state, job.failed_count) == (JobState.SUCCEEDED, 0)
    assert len(await parts.found()) == 10
    assert len(objects.gets) == 10


async def test_vision_models_that_stay_away_fail_the_job_which_then_goes_on(
    database: Database,
    objects: WatchedObjects,
    collections: MemoryCollections,
    embedder: MoodyEmbedder,
) -> None:
    await put(objects, 40)
    for key in keys(40)[20:]:
        embedder.refused[key.encode()] = Unavailable("vision-models cannot be reached")
    parts = Parts(database, objects, collections, [embedder], patience_s=0)
    async with running(parts):
        job = await parts.synchronise()
        assert (job.state, job.error) == (JobState.FAILED, "vision-models cannot be reached")
        kept = len(await parts.found())
        assert kept >= 20 - 8
        embedder.refused.clear()
        await parts.jobs.resume(job.id)
        again = await parts.ended(job.id)
        assert (again.state, again.done, again.total) == (JobState.SUCCEEDED, 40, 40)
        assert len(await parts.found()) == 40
        assert len(embedder.embedded) <= 40 + 8 + 4
        assert again.result["downloaded"] == 40 - kept


async def test_one_image_that_vision_models_fail_on_never_stops_the_others(
    parts: Parts, objects: WatchedObjects, embedder: MoodyEmbedder
) -> None:
    await put(objects, 5)
    embedder.refused[keys(5)[2].encode()] = FacetError("internal error")
    job = await parts.synchronise()
    assert job.state == JobState.SUCCEEDED
    assert [(each.item, each.code) for each in job.failed] == [(keys(5)[2], "internal")]
    assert len(await parts.found()) == 4
    embedder.refused.clear()
    assert (await parts.synchronise()).result["indexed"] == 1


async def test_vision_models_that_fail_on_every_image_fail_the_job(
    parts: Parts, objects: WatchedObjects, embedder: MoodyEmbedder
) -> None:
    await put(objects, 60)
    embedder.away = FacetError("internal error")
    job = await parts.synchronise()
    assert (job.state, job.error) == (JobState.FAILED, "internal error")
    assert len(objects.gets) < 30


async def test_a_vector_store_that_is_away_at_the_commit_is_waited_for(
    parts: Parts, objects: WatchedObjects, collections: MemoryCollections
) -> None:
    await put(objects, 30)

    async def break_down() -> None:
        collections.away = True
        asyncio.get_running_loop().call_later(0.1, setattr, collections, "away", False)

    objects.before_get[keys(30)[9]] = break_down
    job = await parts.synchronise()
    assert (job.state, job.failed_count) == (JobState.SUCCEEDED, 0)
    assert len(await parts.found()) == 30
    assert len(objects.gets) == 30


async def test_nothing_piles_up_while_the_vector_store_is_away(
    database: Database,
    objects: WatchedObjects,
    collections: MemoryCollections,
    embedder: MoodyEmbedder,
) -> None:
    await put(objects, 60)
    parts = Parts(database, objects, collections, [embedder], patience_s=0.5)
    async with running(parts):
        collections.away = True
        job = await parts.synchronise()
        assert (job.state, job.error_code) == (JobState.FAILED, "unavailable")
        assert len(objects.gets) <= 8 + 4
        collections.away = False


async def test_objects_that_cannot_be_read_are_named_and_retried(
    parts: Parts, objects: WatchedObjects
) -> None:
    await put(objects, 30)
    bad = keys(30)[5:8]
    objects.failing = {key: Unavailable("the object store denies access") for key in bad}
    job = await parts.synchronise()
    assert (job.state, job.done, job.total) == (JobState.SUCCEEDED, 30, 30)
    assert [(each.item, each.code) for each in job.failed] == [(key, "unavailable") for key in bad]
    del objects.failing[bad[0]], objects.failing[bad[1]]
    objects.gets.clear()
    await parts.jobs.retry_failed(job.id)
    again = await parts.ended(job.id)
    assert sorted(objects.gets) == bad
    assert [each.item for each in again.failed] == [bad[2]]
    assert (again.state, again.done, again.total) == (JobState.SUCCEEDED, 30, 30)
    assert (again.result["retried"], again.result["mended"]) == (3, 2)
    assert len(await parts.found()) == 29
    objects.gets.clear()
    objects.failing.clear()
    assert (await parts.synchronise()).result["indexed"] == 1
    assert objects.gets == [bad[2]]


async def test_a_failed_item_that_is_gone_by_now_is_no_failure(
    parts: Parts, objects: WatchedObjects
) -> None:
    await put(objects, 3)
    await fill(objects, {"bad.jpg": b"bad"})
    job = await parts.synchronise()
    await objects.delete("bad.jpg")
    await parts.jobs.retry_failed(job.id)
    assert (await parts.ended(job.id)).failed_count == 0


async def test_broken_images_that_are_retried_stay_named_and_known(
    parts: Parts, objects: WatchedObjects
) -> None:
    await fill(objects, {"bad.jpg": b"bad", "empty.jpg": b"", "film.jpg": b"x" * 2000})
    job = await parts.synchronise()
    await parts.jobs.retry_failed(job.id)
    again = await parts.ended(job.id)
    assert again.state == JobState.SUCCEEDED
    assert [(each.item, each.code) for each in again.failed] == [
        ("bad.jpg", "unsupported_media"),
        ("empty.jpg", "invalid_input"),
        ("film.jpg", "too_large"),
    ]
    objects.gets.clear()
    await parts.synchronise()
    assert objects.gets == []


async def test_a_store_that_is_away_fails_the_job_after_a_few_objects(
    parts: Parts, objects: WatchedObjects
) -> None:
    await put(objects, 60)
    objects.failing = {key: Unavailable("no answer") for key in keys(60)}
    job = await parts.synchronise()
    assert (job.state, job.error) == (JobState.FAILED, "no answer")
    assert 20 <= len(objects.gets) <= 24
    objects.failing.clear()
    await parts.jobs.resume(job.id)
    assert (await parts.ended(job.id)).result["indexed"] == 60


async def test_failures_between_readable_objects_never_fail_the_job(
    parts: Parts, objects: WatchedObjects
) -> None:
    await put(objects, 60)
    objects.failing = {key: Unavailable("no answer") for key in keys(60)[::2]}
    job = await parts.synchronise()
    assert (job.state, job.failed_count) == (JobState.SUCCEEDED, 30)


async def test_archived_objects_are_named_however_many_they_are(
    parts: Parts, objects: WatchedObjects
) -> None:
    await put(objects, 60)
    objects.failing = {key: Conflict("the object is archived") for key in keys(60)[:50]}
    job = await parts.synchronise()
    assert (job.state, job.failed_count) == (JobState.SUCCEEDED, 50)
    assert len(await parts.found()) == 10


async def test_no_more_objects_are_in_memory_than_may_be_in_flight(
    database: Database, objects: WatchedObjects, collections: MemoryCollections
) -> None:
    await put(objects, 60)
    in_memory: list[int] = []

    class Watching(FakeEmbedder):
        async def embed_image(self, content: bytes, *, bulk: bool = False) -> ImageVector:
            in_memory.append(len(objects.gets) - len(self.embedded))
            await asyncio.sleep(0.002)
            return await super().embed_image(content, bulk=bulk)

    async with running(Parts(database, objects, collections, [Watching()], at_once=4)) as parts:
        assert (await parts.synchronise()).result["indexed"] == 60
    assert max(in_memory) == 4
