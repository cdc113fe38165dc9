"""A real search over a bucket that misbehaves; prints what happened."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

import boto3
import pytest

from facet.jobs.v1 import jobs_pb2
from tests.faults.search_process import SearchMesh
from tests.faults.test_sync_faults import downloads, picture, put, searching
from tests.s3_server import (
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    Fault,
    FaultProxy,
    Request,
    S3Server,
    answering,
    fault_proxy,
)

pytestmark = pytest.mark.slow

GIGABYTE = 2**30
SUCCEEDED, FAILED = jobs_pb2.JOB_STATE_SUCCEEDED, jobs_pb2.JOB_STATE_FAILED


class Bucket:
    """A bucket with a search over it, and a proxy between them that can be told to fail."""

    def __init__(self, s3: S3Server, name: str, proxy: FaultProxy, mesh: SearchMesh) -> None:
        self.proxy, self._s3, self._name, self._mesh = proxy, s3, name, mesh
        self._client = boto3.client(
            "s3",
            endpoint_url=s3.url,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
        )

    async def put(self, key: str, content: bytes) -> None:
        """Stores an object behind search's back."""
        await asyncio.to_thread(put, self._s3, self._name, {key: content})

    async def delete(self, key: str) -> None:
        """Removes an object behind search's back."""

        await asyncio.to_thread(self._client.delete_object, Bucket=self._name, Key=key)

    async def reset(self) -> None:
        """60 objects and nothing else, all of them indexed; the proxy lets everything through."""
        self.proxy.always = None
        wanted = {f"shop/{number:02}.jpg" for number in range(60)}
        listed = await asyncio.to_thread(self._client.list_objects_v2, Bucket=self._name)
        there = {each["Key"] for each in listed.get("Contents", [])}
        for key in there - wanted:
            await self.delete(key)
        for key in sorted(wanted - there):
            await self.put(key, picture(int(key[5:7])))
        await self.synchronise("60 objects", force=True)
        assert await self.images() == 60

    async def synchronise(self, what: str, *, force: bool = False) -> jobs_pb2.Job:
        """One synchronisation, and a line about it."""
        before = downloads(self.proxy).total()
        begun = await asyncio.to_thread(self._mesh.synchronise, force=force)
        job = await asyncio.to_thread(self._mesh.wait, begun.job_id)
        told = await asyncio.to_thread(self._mesh.statistics)
        state = jobs_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()
        failed = "; ".join(f"{each.item}: {each.code} ({each.error})" for each in job.failed)
        print(
            f"{what}: {state}, {downloads(self.proxy).total() - before} downloads, "
            f"{told.images} images, {told.keys} keys ({told.broken_keys} broken)"
            + (f"; error: {job.error.message}" if job.error.message else "")
            + (f"; failed: {failed}" if failed else "")
        )
        return job

    async def images(self) -> int:
        """How many images are indexed."""
        return (await asyncio.to_thread(self._mesh.statistics)).images


@pytest.fixture(scope="module")
async def shared(
    s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Bucket]:
    name, folder = s3_server.bucket(), tmp_path_factory.mktemp("search")
    async with fault_proxy(s3_server) as proxy, searching(folder, proxy, name) as mesh:
        yield Bucket(s3_server, name, proxy, mesh)


@pytest.fixture
async def bucket(shared: Bucket) -> Bucket:
    await shared.reset()
    return shared


def of_key(key: str, fault: Fault) -> Fault:
    """Only requests for the content of `key` fail so."""

    async def chosen(proxy: FaultProxy, request: Request) -> bytes:
        mine = request.line.startswith("GET") and f"/{quote(key)} " in request.line
        return await (fault(proxy, request) if mine else proxy.forward(request))

    return chosen


def listing_as(body: str) -> Fault:
    """Only listings are answered so."""

    async def chosen(proxy: FaultProxy, request: Request) -> bytes:
        if "list-type" in request.line:
            return await answering(200, body=body)(proxy, request)
        return await proxy.forward(request)

    return chosen


def failing_on_the_second_page() -> Fault:
    """The first page of a listing says that there are more; they cannot be had."""
    first = (
        '<?xml version="1.0"?><ListBucketResult><IsTruncated>true</IsTruncated>'
        "<NextContinuationToken>next</NextContinuationToken><Contents><Key>shop/00.jpg</Key>"
        "<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;a&quot;</ETag>"
        "<Size>10</Size></Contents></ListBucketResult>"
    )

    async def chosen(proxy: FaultProxy, request: Request) -> bytes:
        if "continuation-token" in request.line or "start-after" in request.line:
            return await answering(500, "InternalError")(proxy, request)
        return await listing_as(first)(proxy, request)

    return chosen


async def test_an_emptied_or_failing_listing_removes_nothing(bucket: Bucket) -> None:
    empty = '<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>'
    bucket.proxy.always = listing_as(f"{empty}</ListBucketResult>")
    job = await bucket.synchronise("an empty listing")
    assert (job.state, await bucket.images()) == (FAILED, 60)
    bucket.proxy.always = failing_on_the_second_page()
    job = await bucket.synchronise("a listing that breaks off after its first page")
    assert (job.state, await bucket.images()) == (FAILED, 60)
    bucket.proxy.always = None
    for number in range(55):
        await bucket.delete(f"shop/{number:02}.jpg")
    job = await bucket.synchronise("55 of 60 objects deleted")
    assert (job.state, await bucket.images()) == (FAILED, 60)
    job = await bucket.synchronise("the same with force", force=True)
    assert (job.state, await bucket.images()) == (SUCCEEDED, 5)


async def test_objects_that_fail_do_not_stop_the_others(bucket: Bucket) -> None:
    await bucket.put("shop/new.jpg", picture(1000))
    await bucket.put("shop/other.jpg", picture(1001))
    bucket.proxy.always = of_key("shop/new.jpg", answering(500, "InternalError"))
    job = await bucket.synchronise("one object answers 500 whenever it is asked for")
    assert (job.state, job.failed_count, await bucket.images()) == (SUCCEEDED, 1, 61)
    bucket.proxy.always = None
    job = await bucket.synchronise("the same object, well again")
    assert (job.state, job.failed_count, await bucket.images()) == (SUCCEEDED, 0, 62)


async def test_slow_answers_are_waited_for(bucket: Bucket) -> None:
    async def slow(proxy: FaultProxy, request: Request) -> bytes:
        await asyncio.sleep(2)
        return await proxy.forward(request)

    await bucket.put("shop/slow.jpg", picture(1002))
    bucket.proxy.always = slow
    job = await bucket.synchronise("every answer takes 2 s")
    bucket.proxy.always = None
    assert (job.state, await bucket.images()) == (SUCCEEDED, 61)


async def test_an_object_that_changes_while_it_is_downloaded(bucket: Bucket) -> None:
    changed = False

    async def change(proxy: FaultProxy, request: Request) -> bytes:
        nonlocal changed
        if not changed:
            changed = True
            await bucket.put("shop/late.jpg", picture(1004))
        return await proxy.forward(request)

    await bucket.put("shop/late.jpg", picture(1003))
    bucket.proxy.always = of_key("shop/late.jpg", change)
    job = await bucket.synchronise("an object changed between listing and download")
    bucket.proxy.always = None
    assert (job.state, await bucket.images()) == (SUCCEEDED, 61)
    job = await bucket.synchronise("and once more")
    assert job.result["downloaded"] == 0


async def test_keys_that_share_their_bytes_and_strange_ones(bucket: Bucket) -> None:
    await bucket.put("shop/копия 00.jpg", picture(0))
    await bucket.put("shop/золотое кольцо.jpg", picture(1005))
    await bucket.put("shop/empty.jpg", b"")
    await bucket.synchronise("a copy, a key in Cyrillic with a space, an empty object")
    assert await bucket.images() == 61
    await bucket.delete("shop/00.jpg")
    await bucket.synchronise("the first of two keys with equal bytes deleted")
    assert await bucket.images() == 61
    await bucket.delete("shop/копия 00.jpg")
    job = await bucket.synchronise("the second too")
    assert (job.state, await bucket.images()) == (SUCCEEDED, 60)


async def test_a_gigabyte_named_jpg_is_not_downloaded(bucket: Bucket) -> None:
    async def enlarged(proxy: FaultProxy, request: Request) -> bytes:
        answer = await proxy.forward(request)
        if "list-type" not in request.line:
            return answer
        head, _, body = answer.partition(b"\r\n\r\n")
        entry, _, rest = body.partition(b"<Key>shop/huge.jpg</Key>")
        size = rest.partition(b"<Size>")[2].partition(b"</Size>")[0]
        wide = b"<Size>%d</Size>" % GIGABYTE
        body = (
            entry + b"<Key>shop/huge.jpg</Key>" + rest.replace(b"<Size>%s</Size>" % size, wide, 1)
        )
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-l")]
        return b"\r\n".join([*lines, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body

    await bucket.put("shop/huge.jpg", b"x" * 100)
    bucket.proxy.always = enlarged
    job = await bucket.synchronise("an object that the listing says has a gigabyte")
    assert job.failed[0].code == "too_large"
    assert job.result["downloaded"] == 0
    job = await bucket.synchronise("and once more")
    bucket.proxy.always = None
    assert (job.state, job.failed_count) == (SUCCEEDED, 0)
