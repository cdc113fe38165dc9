import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256

import pytest

from facetkit.errors import (
    InvalidInput,
    NotFound,
    PermissionDenied,
    Unavailable,
    UnsupportedMedia,
)
from facetkit.jobs import JobState
from search.adapters.database import Database
from search.domain import Filter, ImageVector, Page
from search.service import Query
from tests.search.fakes import FakeEmbedder, MemoryCollections
from tests.search.parts import Parts, running
from tests.search.watched_objects import WatchedObjects, fill


def original(content: bytes) -> str:
    return f"images/{sha256(content).hexdigest()}.jpg"


async def keys(objects: WatchedObjects) -> list[str]:
    return [info.key async for page in objects.pages() for info in page]


class HookedEmbedder(FakeEmbedder):
    """Before an image is embedded something else happens, once."""

    def __init__(self) -> None:
        super().__init__()
        self.before: dict[bytes, Callable[[], Awaitable[object]]] = {}

    async def embed_image(self, content: bytes, *, bulk: bool = False) -> ImageVector:
        if content in self.before:
            await self.before.pop(content)()
        return await super().embed_image(content, bulk=bulk)


@pytest.fixture
def embedder() -> HookedEmbedder:
    return HookedEmbedder()


async def test_a_stored_image_is_kept_and_found(parts: Parts, objects: WatchedObjects) -> None:
    stored = await parts.originals.store(b"ring")
    await parts.originals.store(b"dog")
    assert (stored.item.key, stored.duplicate) == (original(b"ring"), False)
    assert (await objects.get(stored.item.key)).content == b"ring"
    assert (await parts.nearest(b"ring")).key == stored.item.key
    found = await parts.service.search(Query(key=stored.item.key), Page(), Filter())
    assert found.hits[0].item == stored.item


async def test_uploads_use_the_interactive_lane(parts: Parts, embedder: HookedEmbedder) -> None:
    await parts.originals.store(b"ring")
    assert (embedder.embedded, embedder.in_bulk) == ([b"ring"], [])


async def test_the_same_bytes_are_stored_once_also_under_a_race(
    parts: Parts, objects: WatchedObjects, embedder: HookedEmbedder
) -> None:
    outcomes = await asyncio.gather(*(parts.originals.store(b"ring") for _ in range(32)))
    assert sorted(each.duplicate for each in outcomes) == [False] + [True] * 31
    assert {each.item.key for each in outcomes} == {original(b"ring")}
    assert await keys(objects) == [original(b"ring")]
    assert list(await parts.found()) == [original(b"ring")]
    assert embedder.embedded == [b"ring"]


@pytest.mark.parametrize(("content", "error"), [(b"bad", UnsupportedMedia), (b"", InvalidInput)])
async def test_a_bad_image_leaves_nothing_behind(
    parts: Parts, objects: WatchedObjects, content: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await parts.originals.store(content)
    assert await keys(objects) == []
    assert await parts.found() == {}


async def test_a_synchronisation_knows_what_was_stored(
    parts: Parts, objects: WatchedObjects
) -> None:
    await parts.originals.store(b"ring")
    job = await parts.synchronise()
    assert (job.result["unchanged"], objects.gets) == (1, [])


async def test_bytes_that_a_synchronised_key_has_are_not_written_again(
    parts: Parts, objects: WatchedObjects, embedder: HookedEmbedder
) -> None:
    await fill(objects, {"shop/ring.jpg": b"ring", "shop/same.jpg": b"ring"})
    await parts.synchronise()
    embedder.embedded.clear()
    stored = await parts.originals.store(b"ring")
    assert (stored.duplicate, embedder.embedded) == (True, [])
    assert stored.item == await parts.nearest(b"ring")
    assert stored.item.key in await keys(objects)
    assert len(await keys(objects)) == 2


async def overwritten(objects: WatchedObjects, key: str) -> None:
    await fill(objects, {key: b"something else"})


async def removed(objects: WatchedObjects, key: str) -> None:
    await objects.delete(key)


Loss = Callable[[WatchedObjects, str], Awaitable[None]]


@pytest.mark.parametrize("lose", [overwritten, removed])
async def test_a_duplicate_whose_object_was_lost_is_stored_and_named_anew(
    parts: Parts, objects: WatchedObjects, embedder: HookedEmbedder, lose: Loss
) -> None:
    await fill(objects, {"shop/ring.jpg": b"ring", "shop/dog.jpg": b"dog"})
    await parts.synchronise()
    await lose(objects, "shop/ring.jpg")
    stored = await parts.originals.store(b"ring")
    assert (stored.item.key, stored.duplicate) == (original(b"ring"), True)
    assert (await objects.get(original(b"ring"))).content == b"ring"
    assert sorted(await parts.found()) == [original(b"ring"), "shop/dog.jpg"]
    assert embedder.embedded.count(b"ring") == 1
    assert (await parts.synchronise()).state == JobState.SUCCEEDED
    assert sorted(await parts.found()) == sorted(await keys(objects))


async def test_an_own_copy_names_the_image_whatever_other_keys_are_said_to_lead_to_it(
    parts: Parts, objects: WatchedObjects
) -> None:
    for key in ("shop/ring.jpg", "a/ring.jpg"):
        await fill(objects, {key: b"ring"})
        await parts.synchronise()
    for key in ("shop/ring.jpg", "a/ring.jpg"):
        await objects.delete(key)
    stored = await parts.originals.store(b"ring")
    assert stored.item.key == original(b"ring")
    assert list(await parts.found()) == [original(b"ring")]


@pytest.mark.parametrize("lose", [overwritten, removed])
async def test_an_original_that_was_lost_is_written_again(
    parts: Parts, objects: WatchedObjects, lose: Loss
) -> None:
    await parts.originals.store(b"ring")
    await lose(objects, original(b"ring"))
    stored = await parts.originals.store(b"ring")
    assert (stored.item.key, stored.duplicate) == (original(b"ring"), True)
    assert (await objects.get(original(b"ring"))).content == b"ring"
    job = await parts.synchronise()
    assert (job.result["unchanged"], job.result["indexed"]) == (1, 0)
    assert list(await parts.found()) == [original(b"ring")]


async def test_an_original_that_was_overwritten_and_synchronised_is_stored_again(
    parts: Parts, objects: WatchedObjects
) -> None:
    await parts.originals.store(b"ring")
    await overwritten(objects, original(b"ring"))
    await parts.synchronise()
    assert (await parts.nearest(b"something else")).key == original(b"ring")
    stored = await parts.originals.store(b"ring")
    assert not stored.duplicate
    assert (await objects.get(original(b"ring"))).content == b"ring"
    assert await parts.found() == {original(b"ring"): stored.item.id}


async def test_what_failed_half_way_succeeds_when_repeated(
    parts: Parts, objects: WatchedObjects, collections: MemoryCollections
) -> None:
    collections.away = True
    with pytest.raises(Unavailable):
        await parts.originals.store(b"ring")
    collections.away = False
    await parts.originals.store(b"ring")
    assert await keys(objects) == list(await parts.found()) == [original(b"ring")]


async def test_what_failed_half_way_is_completed_by_the_next_synchronisation(
    parts: Parts, objects: WatchedObjects, collections: MemoryCollections
) -> None:
    collections.away = True
    with pytest.raises(Unavailable):
        await parts.originals.store(b"ring")
    collections.away = False
    await parts.synchronise()
    assert await keys(objects) == list(await parts.found()) == [original(b"ring")]


async def test_delete_removes_row_and_object(parts: Parts, objects: WatchedObjects) -> None:
    stored = await parts.originals.store(b"ring")
    await parts.originals.delete(stored.item.key)
    assert await keys(objects) == []
    assert await parts.found() == {}
    assert (await parts.manifest.counts()).images == 0
    with pytest.raises(NotFound):
        await parts.originals.delete(stored.item.key)


async def test_delete_leaves_the_bytes_under_another_key_findable(
    parts: Parts, objects: WatchedObjects
) -> None:
    stored = await parts.originals.store(b"ring")
    await fill(objects, {"shop/ring.jpg": b"ring"})
    await parts.synchronise()
    await parts.originals.delete(stored.item.key)
    assert await keys(objects) == list(await parts.found()) == ["shop/ring.jpg"]


async def test_what_others_stored_is_not_deleted(parts: Parts, objects: WatchedObjects) -> None:
    await fill(objects, {"shop/ring.jpg": b"ring"})
    await parts.synchronise()
    with pytest.raises(PermissionDenied, match="bucket"):
        await parts.originals.delete("shop/ring.jpg")
    assert list(await parts.found()) == ["shop/ring.jpg"]


@pytest.mark.parametrize("key", ["", "images/x.jpg", "../etc/passwd", original(b"never stored")])
async def test_what_is_not_stored_cannot_be_deleted(parts: Parts, key: str) -> None:
    with pytest.raises(NotFound):
        await parts.originals.delete(key)


async def test_a_delete_that_failed_half_way_can_be_repeated(
    parts: Parts, objects: WatchedObjects, collections: MemoryCollections
) -> None:
    stored = await parts.originals.store(b"ring")
    collections.away = True
    with pytest.raises(Unavailable):
        await parts.originals.delete(stored.item.key)
    collections.away = False
    objects.failing[stored.item.key] = Unavailable("no answer")
    with pytest.raises(Unavailable):
        await parts.originals.delete(stored.item.key)
    assert await parts.found() == {}
    objects.failing.clear()
    await parts.originals.delete(stored.item.key)
    assert await keys(objects) == []


async def test_deleting_a_key_that_leads_to_another_image_by_now_removes_that_one(
    parts: Parts, objects: WatchedObjects
) -> None:
    await parts.originals.store(b"ring")
    await overwritten(objects, original(b"ring"))
    await parts.synchronise()
    await parts.originals.delete(original(b"ring"))
    assert await keys(objects) == list(await parts.found()) == []
    assert (await parts.manifest.counts()).images == 0


async def test_accepted_work_goes_on_when_the_caller_leaves(
    parts: Parts, objects: WatchedObjects
) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        begun.set()
        await go.wait()

    objects.before_put[original(b"ring")] = wait
    call = asyncio.create_task(parts.originals.store(b"ring"))
    await begun.wait()
    call.cancel()
    await asyncio.sleep(0)
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await keys(objects) == list(await parts.found()) == [original(b"ring")]


async def test_an_upload_during_a_synchronisation_is_kept(
    parts: Parts, objects: WatchedObjects, embedder: HookedEmbedder
) -> None:
    await fill(objects, {f"{number:02}.jpg": b"%d" % number for number in range(30)})
    embedder.before[b"15"] = lambda: parts.originals.store(b"ring")
    assert (await parts.synchronise()).state == JobState.SUCCEEDED
    assert sorted(await parts.found()) == sorted(await keys(objects))
    assert len(await parts.found()) == 31
    objects.gets.clear()
    await parts.synchronise()
    assert objects.gets == []


async def test_an_upload_of_what_is_just_being_synchronised_gets_one_name(
    parts: Parts, objects: WatchedObjects, collections: MemoryCollections, embedder: HookedEmbedder
) -> None:
    await fill(objects, {"shop/ring.jpg": b"ring"})
    embedder.before[b"ring"] = lambda: parts.originals.store(b"ring")
    assert (await parts.synchronise()).state == JobState.SUCCEEDED
    assert list(await parts.found()) == [original(b"ring")]
    await parts.originals.delete(original(b"ring"))
    assert list(await parts.found()) == ["shop/ring.jpg"]


async def test_an_original_deleted_while_its_copy_is_synchronised_is_named_and_retried(
    database: Database,
    objects: WatchedObjects,
    collections: MemoryCollections,
    embedder: HookedEmbedder,
) -> None:
    async with running(Parts(database, objects, collections, [embedder], at_once=1)) as parts:
        stored = await parts.originals.store(b"ring")
        await fill(objects, {"shop/0.jpg": b"ring", "shop/1.jpg": b"dog"})
        # The copy is read and its image is known; before that is written down, it no longer is.
        embedder.before[b"dog"] = lambda: parts.originals.delete(stored.item.key)
        job = await parts.synchronise()
        assert job.state == JobState.SUCCEEDED
        assert [(each.item, each.code) for each in job.failed] == [("shop/0.jpg", "conflict")]
        assert list(await parts.found()) == ["shop/1.jpg"]
        await parts.jobs.retry_failed(job.id)
        assert (await parts.ended(job.id)).failed_count == 0
        assert sorted(await parts.found()) == await keys(objects)


async def test_an_original_deleted_while_it_is_synchronised_is_no_ghost_after_the_next(
    parts: Parts, objects: WatchedObjects, embedder: HookedEmbedder
) -> None:
    await fill(objects, {original(b"ring"): b"ring", "shop/dog.jpg": b"dog"})
    embedder.before[b"ring"] = lambda: parts.originals.delete(original(b"ring"))
    await parts.synchronise()
    # Until the next run a hit may lead to what is gone.
    assert await keys(objects) == ["shop/dog.jpg"]
    assert (await parts.synchronise()).state == JobState.SUCCEEDED
    assert list(await parts.found()) == ["shop/dog.jpg"]
    assert (await parts.manifest.counts()).images == 1
