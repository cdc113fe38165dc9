import asyncio
import dataclasses
from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from facetkit.errors import Conflict, FacetError, NotReady, Unavailable, UnsupportedMedia
from facetkit.jobs import JobState
from search.adapters.database import Database
from search.domain import Filter, ImageVector, ModelInfo, Page
from search.service import Query
from tests.search.alike import AlikeEmbedder
from tests.search.fakes import MODEL, MemoryCollections
from tests.search.parts import Parts, running
from tests.search.watched_objects import WatchedObjects, fill

NEXT = dataclasses.replace(MODEL, version="2", dimensions=48)
THIRD = dataclasses.replace(MODEL, version="3")
CONTENTS = {f"shop/{number:02}.jpg": b"ring %d" % number for number in range(20)}


def original(content: bytes) -> str:
    return f"images/{sha256(content).hexdigest()}.jpg"


class MoodyEmbedder(AlikeEmbedder):
    """Raises `away` always, and errors by content."""

    def __init__(self, model: ModelInfo = MODEL) -> None:
        super().__init__(model)
        self.away: FacetError | None = None
        self.failing: dict[bytes, FacetError] = {}

    async def model(self) -> ModelInfo:
        if self.away:
            raise self.away
        return await super().model()

    async def embed_image(self, content: bytes, *, bulk: bool = False) -> ImageVector:
        if error := self.away or self.failing.get(content):
            raise error
        return await super().embed_image(content, bulk=bulk)


@pytest.fixture
def embedder() -> MoodyEmbedder:
    return MoodyEmbedder()


@pytest.fixture
def following() -> MoodyEmbedder:
    return MoodyEmbedder(NEXT)


@pytest.fixture
async def both(
    database: Database,
    objects: WatchedObjects,
    collections: MemoryCollections,
    embedder: MoodyEmbedder,
    following: MoodyEmbedder,
) -> AsyncIterator[Parts]:
    """Search to which the next model is served beside the old one."""
    following.away = Unavailable("not there yet")
    parts = Parts(database, objects, collections, [embedder, following], patience_s=0.3)
    await fill(objects, CONTENTS)
    async with running(parts):
        assert (await parts.synchronise()).result["indexed"] == len(CONTENTS)
        following.away = None
        yield parts


async def test_a_model_that_replaces_the_old_one(
    parts: Parts, objects: WatchedObjects, embedder: MoodyEmbedder, collections: MemoryCollections
) -> None:
    await fill(objects, CONTENTS)
    await parts.synchronise()
    embedder.info = NEXT
    await parts.index.refresh()
    for query in (Query(text="ring 1"), Query(image=b"ring 1")):
        with pytest.raises(NotReady, match=r"fake-clip 1.*no longer serves.*being built"):
            await parts.service.search(query, Page(), Filter())
    found = await parts.service.search(Query(key="shop/01.jpg"), Page(), Filter())
    assert (found.hits[0].item.key, found.total) == ("shop/01.jpg", 20)
    stored = await parts.originals.store(b"upload")
    assert original(b"upload") not in await parts.found()
    job = await parts.rebuild()
    assert (job.state, job.done, job.total) == (JobState.SUCCEEDED, 21, 21)
    assert job.result["replaced"] == collections.name(MODEL)
    assert await collections.active() == collections.name(NEXT)
    assert parts.service.model == NEXT
    assert (await parts.nearest(b"upload")) == stored.item
    assert sorted(await parts.found()) == [original(b"upload"), *CONTENTS]
    assert embedder.embedded.count(b"upload") == 2


async def test_searches_go_on_with_the_old_model_until_the_next_one_is_built(
    both: Parts, embedder: MoodyEmbedder, following: MoodyEmbedder
) -> None:
    seen: set[tuple[str, int]] = set()

    async def look() -> None:
        while True:
            found = await both.service.search(Query(image=b"ring 7"), Page(), Filter())
            assert found.hits[0].item.key == "shop/07.jpg"
            seen.add((both.service.model.version, found.total))
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    assert (await both.rebuild()).state == JobState.SUCCEEDED
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    assert (await both.nearest(b"ring 7")).key == "shop/07.jpg"
    assert both.service.model == NEXT
    assert seen <= {("1", 20), ("2", 20)}
    assert ("1", 20) in seen
    assert len(following.in_bulk) == len(CONTENTS)


async def test_statistics_tell_how_far_the_next_model_is(both: Parts) -> None:
    await both.index.refresh()
    await both.originals.store(b"upload")
    told = await both.service.statistics()
    assert (told.building, told.built) == ("images_fake-clip_fake_2", 1)
    assert (told.model, told.rows.stored) == (MODEL, 21)


async def test_uploads_and_deletions_reach_what_is_being_built(
    both: Parts, objects: WatchedObjects
) -> None:
    await both.index.refresh()
    kept = await both.originals.store(b"kept")
    gone = await both.originals.store(b"gone")
    await both.originals.delete(gone.item.key)
    assert (await both.nearest(b"kept")).key == kept.item.key
    objects.gets.clear()
    assert (await both.rebuild()).state == JobState.SUCCEEDED
    assert kept.item.key not in objects.gets
    assert sorted(await both.found()) == [kept.item.key, *CONTENTS]


async def test_a_deletion_and_an_upload_while_the_job_runs(
    both: Parts, objects: WatchedObjects
) -> None:
    early = await both.originals.store(b"early")

    async def change() -> None:
        await both.originals.delete(early.item.key)
        await both.originals.store(b"late")

    objects.before_get["shop/10.jpg"] = change
    assert (await both.rebuild()).state == JobState.SUCCEEDED
    assert sorted(await both.found()) == [original(b"late"), *CONTENTS]


async def test_uploads_go_on_while_the_next_model_is_away(
    both: Parts, following: MoodyEmbedder
) -> None:
    await both.index.refresh()
    following.away = Unavailable("restarting")
    stored = await both.originals.store(b"upload")
    assert (await both.nearest(b"upload")).key == stored.item.key
    await both.index.refresh()
    assert both.index.building is not None
    following.away = None
    assert (await both.rebuild()).state == JobState.SUCCEEDED
    assert stored.item.key in await both.found()


async def test_what_an_upload_left_out_while_the_job_ran_is_made_up_for(
    both: Parts, objects: WatchedObjects, following: MoodyEmbedder
) -> None:
    following.failing[b"late"] = Unavailable("a moment")

    async def upload() -> None:
        await both.originals.store(b"late")
        following.failing.clear()

    # The last image by id: the job has passed all places where the upload could be.
    last = max(CONTENTS, key=lambda key: sha256(CONTENTS[key]).hexdigest())
    objects.before_get[last] = upload
    assert (await both.rebuild()).state == JobState.SUCCEEDED
    assert original(b"late") in await both.found()


async def test_duplicates_are_known_by_the_next_model_too(
    both: Parts, objects: WatchedObjects
) -> None:
    await fill(objects, {"shop/again.jpg": b"ring 3~again"})
    await both.synchronise()
    assert (await both.rebuild()).state == JobState.SUCCEEDED
    pairs = await both.pairs.all(both.index.active.name)
    ids = sorted(sha256(content).hexdigest() for content in (b"ring 3", b"ring 3~again"))
    assert [(pair.first, pair.second) for pair in pairs] == [tuple(ids)]


@pytest.mark.parametrize("error", [UnsupportedMedia("not for me"), FacetError("internal error")])
async def test_images_that_the_next_model_refuses_keep_it_from_answering(
    both: Parts, following: MoodyEmbedder, error: FacetError
) -> None:
    following.failing = {b"ring 3": error, b"ring 5": error}
    job = await both.rebuild()
    assert job.state == JobState.FAILED
    assert job.error == (
        "images_fake-clip_fake_2 has 18 of 20 images: the old collection goes on answering"
    )
    assert [(each.item, each.error) for each in job.failed] == [
        ("shop/03.jpg", error.message),
        ("shop/05.jpg", error.message),
    ]
    assert both.service.model == MODEL
    assert sorted(await both.found()) == sorted(CONTENTS)
    assert (await both.manifest.counts()).broken_keys == 0
    following.failing.clear()
    following.embedded.clear()
    await both.jobs.retry_failed(job.id)
    again = await both.ended(job.id)
    assert (again.state, again.failed_count) == (JobState.SUCCEEDED, 0)
    assert sorted(following.embedded) == [b"ring 3", b"ring 5"]
    assert both.service.model == NEXT


async def test_a_next_model_that_stays_away_fails_the_job_which_then_goes_on(
    both: Parts, objects: WatchedObjects, following: MoodyEmbedder
) -> None:
    following.failing = {
        content: Unavailable("vision-models cannot be reached")
        for content in (b"ring 3", b"ring 5", b"ring 7", b"ring 9")
    }
    job = await both.rebuild()
    assert (job.state, job.error) == (JobState.FAILED, "vision-models cannot be reached")
    assert both.service.model == MODEL
    following.failing.clear()
    await both.jobs.resume(job.id)
    again = await both.ended(job.id)
    assert (again.state, again.done) == (JobState.SUCCEEDED, 20)
    assert len(following.embedded) <= 20 + 8 + 4


async def test_objects_that_are_gone_do_not_keep_the_next_model_from_answering(
    both: Parts, objects: WatchedObjects
) -> None:
    await objects.delete("shop/03.jpg")
    assert (await both.rebuild()).state == JobState.SUCCEEDED
    assert (await both.synchronise()).result["removed"] == 1
    assert sorted(await both.found()) == sorted(CONTENTS.keys() - {"shop/03.jpg"})


async def test_an_object_that_has_changed_meanwhile_is_taken_as_it_is(
    both: Parts, objects: WatchedObjects
) -> None:
    await fill(objects, {"shop/03.jpg": b"another"})
    job = await both.rebuild()
    assert job.state == JobState.SUCCEEDED
    assert (await both.found())["shop/03.jpg"] == sha256(b"another").hexdigest()
    assert len(await both.found()) == 20


async def test_vectors_that_the_store_lost_keep_the_next_model_from_answering(
    both: Parts, objects: WatchedObjects, collections: MemoryCollections
) -> None:
    async def lose() -> None:
        collections.kept[collections.name(NEXT)].clear()

    objects.before_get[max(CONTENTS, key=lambda key: sha256(CONTENTS[key]).hexdigest())] = lose
    job = await both.rebuild()
    assert job.state == JobState.FAILED
    assert "of the 20 images it was given" in job.error
    assert both.service.model == MODEL
    await both.jobs.resume(job.id)
    assert (await both.ended(job.id)).state == JobState.SUCCEEDED
    assert sorted(await both.found()) == sorted(CONTENTS)


async def test_back_to_the_old_model_its_collection_is_used_again(
    parts: Parts, objects: WatchedObjects, embedder: MoodyEmbedder
) -> None:
    await fill(objects, CONTENTS)
    await parts.synchronise()
    embedder.info = NEXT
    await parts.rebuild()
    await fill(objects, {"shop/01.jpg": b"changed", "new.jpg": b"new", "moved.jpg": b"ring 2"})
    await objects.delete("shop/02.jpg")
    await objects.delete("shop/04.jpg")
    await parts.synchronise()
    there = await parts.found()
    embedder.info = MODEL
    embedder.embedded.clear()
    assert (await parts.rebuild()).state == JobState.SUCCEEDED
    assert sorted(embedder.embedded) == [b"changed", b"new"]
    assert parts.service.model == MODEL
    assert await parts.found() == there
    assert (await parts.service.statistics()).rows.stored == len(there)


async def test_collections_older_than_the_one_before_are_dropped(
    parts: Parts, objects: WatchedObjects, embedder: MoodyEmbedder, collections: MemoryCollections
) -> None:
    await fill(objects, CONTENTS)
    await parts.synchronise()
    for model in (NEXT, THIRD):
        embedder.info = model
        assert (await parts.rebuild()).state == JobState.SUCCEEDED
    names = {collections.name(NEXT), collections.name(THIRD)}
    assert collections.kept.keys() == names
    assert (await parts.holdings.models()).keys() == names


async def test_a_model_that_is_no_longer_wanted_is_not_built_to_the_end(
    both: Parts, objects: WatchedObjects, following: MoodyEmbedder
) -> None:
    async def change() -> None:
        following.info = THIRD
        await both.index.refresh()

    objects.before_get[max(CONTENTS, key=lambda key: sha256(CONTENTS[key]).hexdigest())] = change
    job = await both.rebuild()
    assert (job.state, job.error_code) == (JobState.FAILED, "conflict")
    assert "no longer wanted" in job.error
    assert both.service.model == MODEL
    assert (await both.rebuild()).state == JobState.SUCCEEDED
    assert both.service.model == THIRD


async def test_only_what_was_checked_can_be_promoted(
    both: Parts, following: MoodyEmbedder, collections: MemoryCollections
) -> None:
    await both.index.refresh()
    following.info = THIRD
    outcomes = await asyncio.gather(
        both.index.refresh(),
        both.index.promote(collections.name(NEXT)),
        both.index.refresh(),
        return_exceptions=True,
    )
    with pytest.raises(Conflict, match="no longer wanted"):
        await both.index.promote(collections.name(NEXT))
    assert outcomes[0] is None
    assert both.index.building
    assert both.index.building.name == collections.name(THIRD)
    assert both.index.building.name in collections.kept
    assert (await collections.active()) == both.index.active.name


async def test_another_process_that_has_switched_is_followed(
    database: Database, both: Parts, collections: MemoryCollections
) -> None:
    await both.index.refresh()
    await collections.switch(collections.name(NEXT))
    await both.index.refresh()
    assert both.service.model == NEXT
    assert both.index.building is None


async def test_search_starts_without_the_next_model(
    database: Database,
    objects: WatchedObjects,
    collections: MemoryCollections,
    embedder: MoodyEmbedder,
    following: MoodyEmbedder,
) -> None:
    following.away = Unavailable("not there yet")
    async with running(Parts(database, objects, collections, [embedder, following])) as parts:
        await parts.originals.store(b"ring")
        assert parts.service.model == MODEL
        await parts.index.refresh()
        assert parts.index.building is None


async def test_search_starts_with_an_index_whose_model_is_no_longer_served(
    database: Database,
    objects: WatchedObjects,
    collections: MemoryCollections,
    embedder: MoodyEmbedder,
) -> None:
    async with running(Parts(database, objects, collections, [embedder])) as parts:
        await parts.originals.store(b"ring")
    embedder.info = NEXT
    async with running(Parts(database, objects, collections, [embedder])) as parts:
        found = await parts.service.search(Query(key=original(b"ring")), Page(), Filter())
        assert found.total == 1
        with pytest.raises(NotReady, match="no longer serves"):
            await parts.service.search(Query(text="ring"), Page(), Filter())
        assert (await parts.rebuild()).state == JobState.SUCCEEDED
        assert (await parts.nearest(b"ring")).key == original(b"ring")


async def test_without_any_model_search_does_not_start(
    database: Database,
    objects: WatchedObjects,
    collections: MemoryCollections,
    embedder: MoodyEmbedder,
) -> None:
    embedder.away = Unavailable("vision-models cannot be reached")
    parts = Parts(database, objects, collections, [embedder])
    with pytest.raises(Unavailable, match="vision-models"):
        await parts.index.open()
    with pytest.raises(NotReady):
        _ = parts.index.active
