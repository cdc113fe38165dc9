"""Synchronisation with the stores that there are: folders, and buckets that fail."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from facetkit.jobs import JobState
from facetkit.local_objects import LocalObjectStore
from facetkit.objects import ObjectStore
from facetkit.s3_bucket import S3Bucket
from facetkit.s3_connection import S3Connection
from facetkit.s3_objects import S3ObjectStore
from search.adapters.database import Database
from tests.s3_server import (
    Fault,
    FaultProxy,
    Request,
    S3Server,
    access,
    after,
    answering,
    cutting,
    fault_proxy,
    never,
)
from tests.search.fakes import FakeEmbedder, MemoryCollections
from tests.search.parts import Parts, running
from tests.search.watched_objects import WatchedObjects, fill

RING = "Магазин/кольцо №1 (копия).jpg"
CONTENTS = {
    RING: b"ring 1",
    "shop/a b+c&d.jpg": b"ring 2",
    "shop/bad.jpg": b"bad",
    "shop/empty.jpg": b"",
    "shop/same.jpg": b"ring 2",
    "shop/x.png": b"ring 4",
    "trash/x.jpg": b"ring 3",
}
IMAGES = 3
PAGE_SIZE = 3


@pytest.fixture(scope="session")
async def shared_proxy(s3_server: S3Server) -> AsyncIterator[FaultProxy]:
    async with fault_proxy(s3_server) as made:
        yield made


@pytest.fixture(scope="session")
async def connection(shared_proxy: FaultProxy) -> AsyncIterator[S3Connection]:
    made = S3Connection(access(shared_proxy.url), max_attempts=2, read_timeout_s=1)
    yield made
    await made.close()


@pytest.fixture
def proxy(shared_proxy: FaultProxy) -> FaultProxy:
    shared_proxy.faults, shared_proxy.always = [], None
    shared_proxy.requests.clear()
    return shared_proxy


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    return s3_server.bucket()


@pytest.fixture
def s3(proxy: FaultProxy, connection: S3Connection, bucket: str) -> S3ObjectStore:
    """A bucket behind the proxy; each call is tried twice."""
    return S3ObjectStore(S3Bucket(bucket, proxy.url), connection, page_size=PAGE_SIZE)


@pytest.fixture
async def local(tmp_path: Path) -> LocalObjectStore:
    made = LocalObjectStore(tmp_path / "objects", PAGE_SIZE)
    await made.ready()
    return made


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    made: ObjectStore = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def objects(store: ObjectStore) -> WatchedObjects:
    return WatchedObjects(store)


async def test_a_store_is_followed(parts: Parts, objects: WatchedObjects) -> None:
    await fill(objects, CONTENTS)
    job = await parts.synchronise()
    assert (job.state, job.done, job.total, job.failed_count) == (JobState.SUCCEEDED, 6, 6, 2)
    there = await parts.found()
    assert len(there) == IMAGES
    assert {RING, "shop/x.png"} <= there.keys()
    objects.gets.clear()
    assert (await parts.synchronise()).result["unchanged"] == 6
    assert objects.gets == []
    await fill(objects, {RING: b"ring 9", "shop/bad.jpg": b"ring 1"})
    await objects.delete("shop/a b+c&d.jpg")
    changed = await parts.synchronise()
    assert (changed.result["indexed"], changed.result["removed"]) == (2, 1)
    assert (await parts.nearest(b"ring 1")).key == "shop/bad.jpg"
    assert (await parts.nearest(b"ring 2")).key == "shop/same.jpg"
    assert (await parts.nearest(b"ring 9")).key == RING
    assert len(await parts.found()) == IMAGES + 1


async def test_an_upload_is_known_to_the_next_synchronisation(
    parts: Parts, objects: WatchedObjects
) -> None:
    stored = await parts.originals.store(b"ring")
    job = await parts.synchronise()
    assert (job.result["unchanged"], objects.gets) == (1, [])
    await parts.originals.delete(stored.item.key)
    assert (await parts.synchronise()).result["removed"] == 0


async def test_an_emptied_store_is_not_believed(parts: Parts, objects: WatchedObjects) -> None:
    await fill(objects, CONTENTS)
    await parts.synchronise()
    for key in CONTENTS:
        await objects.delete(key)
    job = await parts.synchronise()
    assert (job.state, job.error_code) == (JobState.FAILED, "conflict")
    assert len(await parts.found()) == IMAGES


@pytest.fixture
async def on_s3(
    database: Database, collections: MemoryCollections, s3: S3ObjectStore
) -> AsyncIterator[Parts]:
    """Search over a bucket that was filled and is not synchronised yet."""
    await fill(s3, CONTENTS)
    parts = Parts(database, s3, collections, [FakeEmbedder()], patience_s=0)
    async with running(parts):
        yield parts


def at(line: str, fault: Fault) -> Fault:
    """The fault for requests that begin so, and none for others."""

    async def chosen(proxy: FaultProxy, request: Request) -> bytes:
        if request.line.startswith(line):
            return await fault(proxy, request)
        return await proxy.forward(request)

    return chosen


def once(fault: Fault) -> Fault:
    """The fault for the first request."""
    left = [fault]

    async def chosen(proxy: FaultProxy, request: Request) -> bytes:
        return await left.pop()(proxy, request) if left else await proxy.forward(request)

    return chosen


def lines(proxy: FaultProxy, part: str) -> list[str]:
    return [line for line in proxy.requests if part in line]


async def test_an_unchanged_bucket_is_listed_and_nothing_else(
    on_s3: Parts, proxy: FaultProxy
) -> None:
    await on_s3.synchronise()
    proxy.requests.clear()
    assert (await on_s3.synchronise()).state == JobState.SUCCEEDED
    assert len(proxy.requests) == len(lines(proxy, "list-type=2")) == 3


@pytest.mark.parametrize(
    "fault", [answering(500), answering(503, "SlowDown")], ids=["failing", "busy"]
)
async def test_a_server_that_fails_once_is_asked_again(
    on_s3: Parts, proxy: FaultProxy, bucket: str, fault: Fault
) -> None:
    proxy.always = at(f"GET /{bucket}/{quote(RING)}", once(fault))
    job = await on_s3.synchronise()
    assert (job.state, job.failed_count) == (JobState.SUCCEEDED, 2)
    assert len(await on_s3.found()) == IMAGES


@pytest.mark.parametrize(
    "fault", [answering(500), never(), cutting(3)], ids=["failing", "silent", "cut off"]
)
async def test_an_object_that_cannot_be_read_is_named_and_retried(
    on_s3: Parts, proxy: FaultProxy, bucket: str, fault: Fault
) -> None:
    proxy.always = at(f"GET /{bucket}/{quote(RING)}", fault)
    job = await on_s3.synchronise()
    assert job.state == JobState.SUCCEEDED
    assert ("unavailable", RING) in [(each.code, each.item) for each in job.failed]
    assert RING not in await on_s3.found()
    proxy.always = None
    await on_s3.jobs.retry_failed(job.id)
    again = await on_s3.ended(job.id)
    assert RING not in [each.item for each in again.failed]
    assert RING in await on_s3.found()


async def test_a_listing_that_fails_half_way_removes_nothing(
    on_s3: Parts, proxy: FaultProxy, s3: S3ObjectStore
) -> None:
    await on_s3.synchronise()
    await s3.delete("shop/x.png")
    pages = iter([None, answering(500), answering(500)])

    async def fault(proxy: FaultProxy, request: Request) -> bytes:
        chosen = next(pages, None) if "list-type=2" in request.line else None
        return await (chosen(proxy, request) if chosen else proxy.forward(request))

    proxy.always = fault
    job = await on_s3.synchronise(force=True)
    assert job.state == JobState.FAILED
    assert job.error == "the object store is failing or too busy"
    assert len(await on_s3.found()) == IMAGES
    assert (await on_s3.synchronise()).result["removed"] == 1


async def test_a_bucket_that_is_gone_removes_nothing(on_s3: Parts, proxy: FaultProxy) -> None:
    await on_s3.synchronise()
    proxy.always = answering(404, "NoSuchBucket")
    job = await on_s3.synchronise(force=True)
    assert (job.state, job.error_code) == (JobState.FAILED, "not_ready")
    proxy.always = None
    assert len(await on_s3.found()) == IMAGES


async def test_an_object_that_changes_before_its_download_is_taken_as_it_is(
    on_s3: Parts, proxy: FaultProxy, s3: S3ObjectStore, bucket: str
) -> None:
    async def change() -> None:
        await fill(s3, {RING: b"another"})

    proxy.always = at(f"GET /{bucket}/{quote(RING)}", once(after(change)))
    await on_s3.synchronise()
    assert (await on_s3.nearest(b"another")).key == RING
    proxy.requests.clear()
    assert (await on_s3.synchronise()).result["unchanged"] == 6
    assert len(proxy.requests) == len(lines(proxy, "list-type=2"))


async def test_keys_that_no_store_of_ours_accepts_are_named_and_can_go_again(
    on_s3: Parts, connection: S3Connection, bucket: str
) -> None:
    key = "shop//x.jpg"
    await connection.run(
        lambda client: client.put_object(Bucket=bucket, Key=key, Body=b"ring 7"), ""
    )
    job = await on_s3.synchronise()
    assert job.state == JobState.SUCCEEDED
    assert (key, "invalid_input") in [(each.item, each.code) for each in job.failed]
    await on_s3.jobs.retry_failed(job.id)
    again = await on_s3.ended(job.id)
    assert (again.state, again.failed_count) == (JobState.SUCCEEDED, 3)
    await connection.run(lambda client: client.delete_object(Bucket=bucket, Key=key), "")
    assert (await on_s3.synchronise()).result["removed"] == 1
    assert (await on_s3.manifest.counts()).keys == 6
