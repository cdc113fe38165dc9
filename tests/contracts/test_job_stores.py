"""One contract for every store of jobs."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from facetkit.errors import Conflict, FacetError, NotFound
from facetkit.jobs import MAX_TOLD_FAILURES, ItemFailure, Job, JobState
from facetkit.sql_jobs import SqlJobStore
from search.adapters.tables import JOBS

pytest_plugins = ("tests.database_fixtures",)

SILENT_S = 30.0
FINAL = [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED]


@dataclass
class Clock:
    """Seconds since 1970, moved by hand."""

    now_s: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(engine: AsyncEngine, clock: Clock) -> SqlJobStore:
    return SqlJobStore(engine, JOBS, "sync", clock)


@pytest.fixture
def other(other_engine: AsyncEngine, clock: Clock) -> SqlJobStore:
    """The same jobs as another process has them."""
    return SqlJobStore(other_engine, JOBS, "sync", clock)


def failure(item: str, code: str = "unprocessable", error: str = "damaged") -> ItemFailure:
    return ItemFailure(item, code, error)


async def running(store: SqlJobStore, owner: str = "a", lane: str = "index") -> Job:
    """A new job that `owner` runs."""
    await store.add("synchronisation", lane, {})
    claimed = await store.claim(owner, SILENT_S)
    assert claimed is not None
    return claimed


async def ended(store: SqlJobStore, state: JobState, lane: str = "index") -> Job:
    job = await running(store, lane=lane)
    assert await store.end(job.id, "a", state)
    return await store.get(job.id)


async def test_a_new_job_is_queued_with_its_options(store: SqlJobStore, clock: Clock) -> None:
    options = {"force": True, "prefix": "Ä %_\\ 😀", "nested": {"a": [1, None, 0.5]}}
    job = await store.add("synchronisation", "index", options)
    assert job.id.startswith("sync_")
    assert (job.kind, job.state, job.version) == ("synchronisation", JobState.QUEUED, 1)
    assert (job.done, job.total, job.failed_count, job.result) == (0, 0, 0, {})
    assert job.created_at.timestamp() == job.updated_at.timestamp() == clock.now_s
    assert job.options == options
    assert await store.get(job.id) == job
    assert await store.active("index") == job


async def test_a_lane_has_one_active_job(store: SqlJobStore) -> None:
    job = await store.add("synchronisation", "index", {})
    with pytest.raises(Conflict):
        await store.add("rebuilding", "index", {})
    beside = await store.add("synchronisation", "another", {})
    await store.cancel(job.id)
    after = await store.add("rebuilding", "index", {})
    assert await store.active("index") == after
    assert await store.active("another") == beside
    assert await store.active("a third") is None


async def test_of_jobs_added_at_once_exactly_one_wins(
    store: SqlJobStore, other: SqlJobStore
) -> None:
    added = await asyncio.gather(
        *(each.add("synchronisation", "index", {}) for each in (store, other) * 8),
        return_exceptions=True,
    )
    jobs = [each for each in added if isinstance(each, Job)]
    assert len(jobs) == 1
    assert [type(each) for each in added if each not in jobs] == [Conflict] * 15
    assert await store.recent(100) == jobs


async def test_unknown_jobs_are_not_found(store: SqlJobStore) -> None:
    for call in (store.get("x"), store.version("x"), store.cancel("x"), store.requeue("x", {})):
        with pytest.raises(NotFound) as caught:
            await call
        assert caught.value.fields == {"job_id": "is unknown"}
    assert not await store.beat("x", "a")
    assert not await store.end("x", "a", JobState.FAILED)


async def test_the_newest_jobs_come_first_in_pages(store: SqlJobStore) -> None:
    made = [await store.add("synchronisation", f"lane {number}", {}) for number in range(5)]
    await store.fail_items(made[4].id, [failure("a.jpg")])
    newest = [job.id for job in reversed(made)]
    pages = [
        await store.recent(2),
        await store.recent(2, newest[1]),
        await store.recent(2, newest[3]),
    ]
    assert [[job.id for job in page] for page in pages] == [newest[:2], newest[2:4], newest[4:]]
    assert (pages[0][0].failed_count, pages[0][0].failed) == (1, ())


async def test_a_claimed_job_runs_for_its_owner_alone(store: SqlJobStore) -> None:
    assert await store.claim("a", SILENT_S) is None
    job = await running(store, "a")
    assert (job.state, job.owner) == (JobState.RUNNING, "a")
    assert await store.claim("b", SILENT_S) is None


async def test_jobs_are_claimed_oldest_first(store: SqlJobStore) -> None:
    made = [await store.add("synchronisation", f"lane {number}", {}) for number in range(3)]
    claimed = [await store.claim(owner, SILENT_S) for owner in "abc"]
    assert [job and job.id for job in claimed] == [job.id for job in made]


async def test_of_owners_that_claim_at_once_exactly_one_wins(
    store: SqlJobStore, other: SqlJobStore
) -> None:
    for number in range(10):
        job = await store.add("synchronisation", f"lane {number}", {})
        claims = [each.claim(f"{id(each)} {number}", SILENT_S) for each in (store, other)]
        won = [claimed for claimed in await asyncio.gather(*claims) if claimed]
        assert [claimed.id for claimed in won] == [job.id]


async def test_an_owner_that_comes_back_goes_on_at_once(store: SqlJobStore) -> None:
    job = await running(store, "a")
    again = await store.claim("a", SILENT_S)
    assert again is not None
    assert again.id == job.id


async def test_a_silent_owner_loses_its_job(store: SqlJobStore, clock: Clock) -> None:
    job = await running(store, "a")
    clock.now_s += SILENT_S - 1
    assert await store.beat(job.id, "a")
    clock.now_s += SILENT_S
    assert await store.claim("b", SILENT_S) is None
    clock.now_s += 0.001
    taken = await store.claim("b", SILENT_S)
    assert taken is not None
    assert (taken.id, taken.owner, taken.state) == (job.id, "b", JobState.RUNNING)
    assert not await store.beat(job.id, "a")
    assert await store.beat(job.id, "b")
    assert await store.claim("c", SILENT_S) is None


async def test_who_lost_a_job_changes_it_no_more(store: SqlJobStore, clock: Clock) -> None:
    job = await running(store, "a")
    clock.now_s += SILENT_S + 1
    taken = await store.claim("b", SILENT_S)
    await store.progress(job.id, "a", 5, 10, {"by": "a"})
    assert not await store.end(job.id, "a", JobState.FAILED, "internal", "late")
    await store.cancel(job.id)
    assert not await store.end_cancelled(job.id, "a")
    found = await store.get(job.id)
    assert taken is not None
    assert (found.state, found.done, found.result) == (JobState.RUNNING, 0, {})
    assert await store.end_cancelled(job.id, "b")


async def test_progress_and_result_are_told(store: SqlJobStore) -> None:
    job = await running(store)
    result = {"listed": 3_000_000_000, "recall": 0.995, "name": "Я", "list": [1, None]}
    await store.progress(job.id, "a", 2_999_999_999, 3_000_000_000, result)
    found = await store.get(job.id)
    assert (found.done, found.total) == (2_999_999_999, 3_000_000_000)
    assert found.result == result


async def test_an_ended_job_makes_no_progress(store: SqlJobStore) -> None:
    job = await ended(store, JobState.SUCCEEDED)
    await store.progress(job.id, "a", 1, 2, {"late": True})
    assert await store.get(job.id) == job


async def test_a_cancelled_job_is_ended_by_its_owner(store: SqlJobStore) -> None:
    job = await running(store)
    assert not await store.end_cancelled(job.id, "a")
    assert await store.beat(job.id, "a")
    assert (await store.cancel(job.id)).state is JobState.RUNNING
    assert (await store.cancel(job.id)).state is JobState.RUNNING
    assert not await store.beat(job.id, "a")
    assert await store.end_cancelled(job.id, "a")
    assert (await store.get(job.id)).state is JobState.CANCELLED
    assert await store.active("index") is None


async def test_a_queued_job_is_cancelled_at_once(store: SqlJobStore) -> None:
    job = await store.add("synchronisation", "index", {})
    assert (await store.cancel(job.id)).state is JobState.CANCELLED
    assert await store.claim("a", SILENT_S) is None


@pytest.mark.parametrize("state", FINAL)
async def test_ended_jobs_are_not_cancelled_claimed_or_ended_again(
    store: SqlJobStore, clock: Clock, state: JobState
) -> None:
    job = await ended(store, state)
    with pytest.raises(Conflict, match=f"the job is {state}"):
        await store.cancel(job.id)
    clock.now_s += 2 * SILENT_S
    assert await store.claim("b", SILENT_S) is None
    assert not await store.end(job.id, "a", JobState.FAILED)
    assert not await store.beat(job.id, "a")
    assert await store.get(job.id) == job


async def test_an_ended_job_tells_why(store: SqlJobStore) -> None:
    job = await running(store)
    assert await store.end(job.id, "a", JobState.FAILED, "unavailable", "the store is away")
    found = await store.get(job.id)
    assert found.state is JobState.FAILED
    assert (found.error_code, found.error) == ("unavailable", "the store is away")


@pytest.mark.parametrize("state", FINAL)
async def test_an_ended_job_is_queued_again(store: SqlJobStore, state: JobState) -> None:
    job = await running(store)
    await store.progress(job.id, "a", 3, 4, {"listed": 4})
    await store.fail_items(job.id, [failure("a.jpg")])
    await store.cancel(job.id)
    assert await store.end(job.id, "a", state, "internal", "internal error")
    queued = await store.requeue(job.id, {"only_failed": True})
    assert (queued.state, queued.options) == (JobState.QUEUED, {"only_failed": True})
    assert (queued.error_code, queued.error) == ("", "")
    assert (queued.done, queued.total, queued.result) == (3, 4, {"listed": 4})
    assert queued.failed == (failure("a.jpg"),)
    claimed = await store.claim("b", SILENT_S)
    assert claimed is not None
    assert await store.beat(job.id, "b")


async def test_only_ended_jobs_are_queued_again_and_only_in_a_free_lane(
    store: SqlJobStore,
) -> None:
    first = await ended(store, JobState.FAILED)
    second = await store.add("synchronisation", "index", {})
    with pytest.raises(Conflict, match="another job is active"):
        await store.requeue(first.id, {})
    with pytest.raises(Conflict, match="the job is queued"):
        await store.requeue(second.id, {})
    await store.claim("a", SILENT_S)
    with pytest.raises(Conflict, match="the job is running"):
        await store.requeue(second.id, {})
    assert await store.get(first.id) == first


async def test_of_jobs_queued_again_at_once_exactly_one_wins(
    store: SqlJobStore, other: SqlJobStore
) -> None:
    jobs = [await ended(store, JobState.FAILED) for _ in range(6)]
    stores = (store, other) * 3
    again = await asyncio.gather(
        *(each.requeue(job.id, {}) for each, job in zip(stores, jobs, strict=True)),
        return_exceptions=True,
    )
    won = [each for each in again if isinstance(each, Job)]
    assert len(won) == 1
    assert all(isinstance(each, Conflict) for each in again if each not in won)
    assert await store.active("index") == won[0]


async def test_failures_are_replaced_and_never_doubled(store: SqlJobStore) -> None:
    job = await running(store)
    await store.fail_items(job.id, [failure("b.jpg"), failure("a.jpg"), failure("a.jpg", "x")])
    await store.fail_items(job.id, [failure("b.jpg", "unavailable", "away"), failure("c.jpg")])
    await store.fail_items(job.id, [])
    found = await store.get(job.id)
    expected = (failure("a.jpg", "x"), failure("b.jpg", "unavailable", "away"), failure("c.jpg"))
    assert (found.failed_count, found.failed) == (3, expected)


async def test_failures_are_of_their_job_alone(store: SqlJobStore) -> None:
    first, second = await running(store), await running(store, "b", "another")
    await store.fail_items(first.id, [failure("a.jpg"), failure("b.jpg")])
    await store.fail_items(second.id, [failure("a.jpg")])
    await store.clear_failures(first.id, ["a.jpg", "unknown"])
    assert (await store.get(first.id)).failed == (failure("b.jpg"),)
    assert (await store.get(second.id)).failed == (failure("a.jpg"),)


async def test_the_first_thousand_failures_are_told_and_all_are_counted(store: SqlJobStore) -> None:
    job = await running(store)
    failures = [failure(f"{number:05d}.jpg") for number in range(2500)]
    await store.fail_items(job.id, failures[::-1])
    found = await store.get(job.id)
    assert found.failed_count == 2500
    assert list(found.failed) == failures[:MAX_TOLD_FAILURES]
    assert await store.failures(job.id, failures[999].item, 2000) == failures[1000:]
    await store.clear_failures(job.id, [each.item for each in failures[:2000]])
    found = await store.get(job.id)
    assert (found.failed_count, list(found.failed)) == (500, failures[2000:])


async def test_failures_come_in_the_order_of_bytes(store: SqlJobStore) -> None:
    job = await running(store)
    items = ["B", "a", "A b", "A", "%", "é", "я", "Я", "😀", "b/a", "b-a"]
    await store.fail_items(job.id, [failure(item) for item in items])
    expected = sorted(items, key=str.encode)
    assert [each.item for each in (await store.get(job.id)).failed] == expected
    paged: list[str] = []
    while page := await store.failures(job.id, paged[-1] if paged else "", 2):
        paged += [each.item for each in page]
    assert paged == expected


async def test_the_version_rises_with_every_change(store: SqlJobStore, clock: Clock) -> None:
    job = await store.add("synchronisation", "index", {})
    changes: list[Callable[[], Awaitable[object]]] = [
        lambda: store.claim("a", SILENT_S),
        lambda: store.progress(job.id, "a", 1, 2, {}),
        lambda: store.fail_items(job.id, [failure("a.jpg")]),
        lambda: store.clear_failures(job.id, ["a.jpg"]),
        lambda: store.cancel(job.id),
        lambda: store.end_cancelled(job.id, "a"),
        lambda: store.requeue(job.id, {}),
        lambda: store.claim("a", SILENT_S),
        lambda: store.end(job.id, "a", JobState.SUCCEEDED),
        lambda: store.requeue(job.id, {}),
        lambda: store.cancel(job.id),
    ]
    for change in changes:
        before = await store.get(job.id)
        clock.now_s += 1
        await change()
        after = await store.get(job.id)
        assert after.version > before.version
        assert await store.version(job.id) == after.version
        assert (after.created_at, after.updated_at.timestamp()) == (job.created_at, clock.now_s)


async def test_what_changes_nothing_leaves_the_version(store: SqlJobStore) -> None:
    job = await running(store)
    await store.beat(job.id, "a")
    await store.beat(job.id, "b")
    await store.clear_failures(job.id, ["unknown"])
    await store.fail_items(job.id, [])
    await store.progress(job.id, "b", 1, 2, {})
    assert await store.version(job.id) == job.version


async def test_ids_that_no_database_can_hold_are_refused(store: SqlJobStore) -> None:
    with pytest.raises(FacetError):
        await store.get("sync_\0")
