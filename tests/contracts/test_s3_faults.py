"""The store in a bucket, whose server fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable

import pytest

from facetkit.errors import AlreadyExists, Conflict, FacetError, NotReady, Unavailable, Upstream
from facetkit.s3_bucket import S3Bucket
from facetkit.s3_connection import S3Connection
from facetkit.s3_objects import S3ObjectStore
from tests.contracts.storing import JPEG, keys, put
from tests.ports import free_port
from tests.s3_server import (
    FaultProxy,
    Request,
    S3Server,
    access,
    after,
    answering,
    cutting,
    fault_proxy,
    losing_the_answer,
    never,
)

ATTEMPTS = 2


@pytest.fixture(scope="session")
async def shared_proxy(s3_server: S3Server) -> AsyncIterator[FaultProxy]:
    async with fault_proxy(s3_server) as proxy:
        yield proxy


@pytest.fixture(scope="session")
async def connection(shared_proxy: FaultProxy) -> AsyncIterator[S3Connection]:
    made = S3Connection(access(shared_proxy.url), max_connections=4, max_attempts=ATTEMPTS)
    yield made
    await made.close()


@pytest.fixture
def proxy(shared_proxy: FaultProxy) -> FaultProxy:
    shared_proxy.faults, shared_proxy.always = [], None
    shared_proxy.requests.clear()
    return shared_proxy


@pytest.fixture
def bucket(s3_server: S3Server, proxy: FaultProxy) -> S3Bucket:
    return S3Bucket(s3_server.bucket(), proxy.url)


@pytest.fixture
def store(bucket: S3Bucket, connection: S3Connection) -> S3ObjectStore:
    """The store behind the proxy."""
    return S3ObjectStore(bucket, connection, page_size=2)


@pytest.fixture
def other(bucket: S3Bucket, s3_server: S3Server, s3_connection: S3Connection) -> S3ObjectStore:
    """The same bucket, without the proxy."""
    return S3ObjectStore(S3Bucket(bucket.name, s3_server.url), s3_connection)


async def failure(attempt: Awaitable[object]) -> FacetError:
    with pytest.raises(FacetError) as caught:
        await attempt
    assert "secret" not in caught.value.message
    return caught.value


def calls(store: S3ObjectStore) -> dict[str, Awaitable[object]]:
    return {
        "get": store.get("a"),
        "get_range": store.get_range("a", start=0, length=1),
        "head": store.head("a"),
        "put": put(store, "a"),
        "delete": store.delete("a"),
        "pages": keys(store),
    }


async def test_what_fails_once_is_tried_again(store: S3ObjectStore, proxy: FaultProxy) -> None:
    for number, attempt in enumerate(calls(store).values()):
        await put(store, "a")
        proxy.faults = [[answering(500), answering(502), answering(504)][number % 3]]
        await attempt
        assert not proxy.faults


async def test_a_server_that_stays_busy_is_unavailable(
    store: S3ObjectStore, proxy: FaultProxy
) -> None:
    proxy.always = answering(503, "SlowDown")
    error = await failure(store.get("a"))
    assert isinstance(error, Unavailable)
    assert error.retry_after_s
    assert len(proxy.requests) == ATTEMPTS


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (500, "InternalError", Unavailable),
        (403, "AccessDenied", Unavailable),
        (403, "SignatureDoesNotMatch", Unavailable),
        (400, "InvalidRequest", Upstream),
        (404, "NoSuchBucket", NotReady),
        (501, "NotImplemented", Unavailable),
    ],
)
async def test_failures_become_facet_errors(
    store: S3ObjectStore, proxy: FaultProxy, status: int, code: str, expected: type[FacetError]
) -> None:
    proxy.always = answering(status, code)
    for name, attempt in calls(store).items():
        if code == "NoSuchBucket" and name in {"head", "delete"}:
            attempt.close()  # type: ignore[attr-defined]  # its answer has no body to name this
            continue
        assert type(await failure(attempt)) is expected


@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, "denies access"), (404, "there is no bucket"), (400, "does not take"), (500, "failing")],
)
async def test_why_a_bucket_is_not_ready_is_told(
    store: S3ObjectStore, proxy: FaultProxy, status: int, reason: str
) -> None:
    proxy.always = answering(status)
    error = await failure(store.ready())
    assert isinstance(error, NotReady)
    assert reason in error.message


async def test_a_server_that_is_not_there(bucket: S3Bucket) -> None:
    connection = S3Connection(access(f"http://127.0.0.1:{free_port()}"), max_attempts=1)
    store = S3ObjectStore(bucket, connection)
    assert isinstance(await failure(store.ready()), NotReady)
    for attempt in calls(store).values():
        error = await failure(attempt)
        assert (type(error), bool(error.retry_after_s)) == (Unavailable, True)
    await connection.close()


async def test_a_server_that_does_not_answer(bucket: S3Bucket, proxy: FaultProxy) -> None:
    connection = S3Connection(access(proxy.url), max_attempts=1, read_timeout_s=0.3)
    store = S3ObjectStore(bucket, connection)
    proxy.always = never()
    errors = await asyncio.gather(*(failure(attempt) for attempt in calls(store).values()))
    assert {type(error) for error in errors} == {Unavailable}
    await connection.close()


async def test_a_body_that_breaks_off_is_no_object(store: S3ObjectStore, proxy: FaultProxy) -> None:
    await put(store, "a", content=bytes(100_000))
    for attempt in (store.get("a"), store.get_range("a", start=5, length=50_000)):
        proxy.faults = [cutting(1)]
        error = await failure(attempt)
        assert isinstance(error, Unavailable)
        assert "broke off" in error.message


async def collect(store: S3ObjectStore, seen: list[str]) -> None:
    async for page in store.pages():
        seen += [info.key for info in page]


async def test_a_listing_that_fails_half_way_does_not_end_as_if_it_were_whole(
    store: S3ObjectStore, proxy: FaultProxy
) -> None:
    await put(store, *"abcde")
    for fault in (answering(500), cutting(30)):
        proxy.requests.clear()
        proxy.faults = [None, *[fault] * ATTEMPTS]
        seen: list[str] = []
        assert isinstance(await failure(collect(store, seen)), Unavailable)
        assert seen == ["a", "b"]
        assert len(proxy.requests) == 1 + ATTEMPTS


async def test_a_listing_goes_on_where_it_was_whatever_changes(
    store: S3ObjectStore, other: S3ObjectStore, proxy: FaultProxy
) -> None:
    await put(other, *"abcde")

    async def change() -> None:
        await other.delete("b")
        await put(other, "a2", "c2")

    proxy.faults = [None, after(change)]
    assert await keys(store) == ["a", "b", "c", "c2", "d", "e"]


def listing(*names: str, truncated: str) -> str:
    rest = "<Size>1</Size><ETag>e</ETag><LastModified>2026-01-01T00:00:00Z</LastModified>"
    entries = "".join(f"<Contents><Key>{name}</Key>{rest}</Contents>" for name in names)
    return f"<ListBucketResult>{truncated}{entries}</ListBucketResult>"


@pytest.mark.parametrize(
    "body",
    [
        "<html><body>welcome</body></html>",
        "welcome",
        "{}",
        listing("b", "a", truncated="<IsTruncated>false</IsTruncated>"),
        listing("a", "a", truncated="<IsTruncated>false</IsTruncated>"),
        listing("a", "b", truncated=""),
        listing(truncated="<IsTruncated>true</IsTruncated>"),
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents>"
        "</ListBucketResult>",
    ],
)
async def test_a_listing_that_cannot_be_right_is_refused(
    store: S3ObjectStore, proxy: FaultProxy, body: str
) -> None:
    proxy.always = answering(200, body=body)
    assert isinstance(await failure(keys(store)), Upstream | Unavailable)


async def test_a_server_that_goes_round_in_circles_is_left(
    store: S3ObjectStore, proxy: FaultProxy
) -> None:
    proxy.always = answering(
        200, body=listing("a", "b", truncated="<IsTruncated>true</IsTruncated>")
    )
    assert isinstance(await failure(keys(store)), Upstream)
    assert len(proxy.requests) == 2


async def test_a_server_without_parts_is_told(store: S3ObjectStore, proxy: FaultProxy) -> None:
    proxy.faults = [answering(200, body="whole")]
    assert isinstance(await failure(store.get_range("a", start=0, length=1)), Upstream)


async def test_a_write_whose_answer_is_lost_is_not_taken_for_another_s(
    store: S3ObjectStore, other: S3ObjectStore, proxy: FaultProxy
) -> None:
    proxy.faults = [losing_the_answer()]
    first = await store.put("a", b"first", content_type=JPEG, if_absent=True)
    proxy.faults = [losing_the_answer()]
    second = await store.put("a", b"second", content_type=JPEG, if_match=first.etag)
    assert (await other.get("a")).info.etag == second.etag
    assert not proxy.faults


async def test_a_write_that_failed_is_not_taken_for_another_s(
    store: S3ObjectStore, other: S3ObjectStore, proxy: FaultProxy
) -> None:
    proxy.faults = [answering(500), after(lambda: put(other, "a", content=b"mine"))]
    error = await failure(store.put("a", b"mine", content_type=JPEG, if_absent=True))
    assert isinstance(error, AlreadyExists)
    etag = (await other.head("a")).etag
    proxy.faults = [answering(500), after(lambda: put(other, "a", content=b"theirs"))]
    error = await failure(store.put("a", b"new", content_type=JPEG, if_match=etag))
    assert isinstance(error, Conflict)
    proxy.faults = [after(lambda: other.delete("a"))]
    error = await failure(store.put("a", b"new", content_type=JPEG, if_match=etag))
    assert isinstance(error, Conflict)


async def test_an_outcome_that_cannot_be_known_is_told_as_a_failure(
    store: S3ObjectStore, proxy: FaultProxy
) -> None:
    proxy.faults = [losing_the_answer(), None, *[answering(503)] * ATTEMPTS]
    error = await failure(store.put("a", b"x", content_type=JPEG, if_absent=True))
    assert isinstance(error, Unavailable)


async def test_writers_that_meet_try_again(store: S3ObjectStore, proxy: FaultProxy) -> None:
    meeting = answering(409, "ConditionalRequestConflict")
    proxy.faults = [meeting, meeting]
    await store.put("a", b"x", content_type=JPEG, if_absent=True)
    proxy.always = meeting
    assert isinstance(await failure(put(store, "a")), Conflict)


async def test_no_more_calls_run_at_once_than_there_are_connections(
    store: S3ObjectStore, proxy: FaultProxy
) -> None:
    await put(store, "a")
    running, most = 0, 0

    async def counted(proxy: FaultProxy, request: Request) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        answer = await proxy.forward(request)
        running -= 1
        return answer

    proxy.always = counted
    await asyncio.gather(*(store.get("a") for _ in range(24)))
    assert 1 <= most <= 4
