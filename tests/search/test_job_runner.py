import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from facetkit.errors import Conflict, InvalidInput, NotFound, Unavailable, Unprocessable
from facetkit.jobs import ItemFailure, Job, JobState
from facetkit.sql import connect
from facetkit.sql_jobs import SqlJobStore
from search.adapters.tables import JOBS, SCHEMA
from search.job_runner import Handler, JobContext, JobRunner
from search.jobs import LANE, Jobs
from tests.databases import PostgresDatabases
from tests.postgres_server import PostgresServer

pytest_plugins = ("tests.database_fixtures",)

PATIENCE_S = 60
KIND = "synchronisation"
"""The only kind whose jobs Jobs makes by itself."""


@dataclass
class Clock:
    """Seconds since 1970, moved by hand."""

    now_s: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


class Outages(SqlJobStore):
    """A store that refuses the runner while `away`; it counts claims and refusals."""

    away = False
    claims = 0
    refusals = 0

    async def claim(self, owner: str, silent_s: float) -> Job | None:
        self._reach()
        claimed = await super().claim(owner, silent_s)
        self.claims += 1
        return claimed

    async def beat(self, job_id: str, owner: str) -> bool:
        self._reach()
        return await super().beat(job_id, owner)

    async def end(
        self, job_id: str, owner: str, state: JobState, code: str = "", error: str = ""
    ) -> bool:
        self._reach()
        return await super().end(job_id, owner, state, code, error)

    async def until_refused(self, times: int) -> None:
        """Returns when the runner was refused so many more times."""
        expected = self.refusals + times
        await until(lambda: self.refusals >= expected)

    def _reach(self) -> None:
        if self.away:
            self.refusals += 1
            raise Unavailable("the database cannot be reached")


class Steps:
    """A handler that goes on when it is let."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()
        self.left = asyncio.Event()
        self.contexts: list[JobContext] = []

    async def __call__(self, context: JobContext) -> None:
        self.contexts.append(context)
        self.began.set()
        try:
            await self.go_on.wait()
        finally:
            self.left.set()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(engine: AsyncEngine, clock: Clock) -> Outages:
    return Outages(engine, JOBS, "sync", clock)


@pytest.fixture
def steps() -> Steps:
    return Steps()


@asynccontextmanager
async def running(
    store: SqlJobStore, handlers: Mapping[str, Handler], owner: str = "here", silent_s: float = 30
) -> AsyncIterator[Jobs]:
    """A runner at work, until the block ends."""
    runner = JobRunner(
        store, handlers, owner, look_every_s=0.02, beat_every_s=0.02, silent_s=silent_s
    )
    task = asyncio.create_task(runner.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield Jobs(store, runner)
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def ended(jobs: Jobs, job_id: str) -> Job:
    """The job in its final state."""
    *_, last = [job async for job in jobs.watch(job_id, 0)]
    assert last.state.final
    return last


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def failing(error: Exception) -> Handler:
    async def handler(context: JobContext) -> None:
        raise error

    return handler


async def test_a_job_runs_to_its_end(store: Outages) -> None:
    async def handler(context: JobContext) -> None:
        assert context.job.options == {"force": True}
        await context.fail([ItemFailure("a.jpg", "unprocessable", "damaged")])
        await context.tell(2, 3, {"indexed": 1}, now=True)

    async with running(store, {KIND: handler}) as jobs:
        job = await ended(jobs, (await jobs.synchronise(force=True)).id)
    assert (job.state, job.done, job.total, job.result) == (
        JobState.SUCCEEDED,
        2,
        3,
        {"indexed": 1},
    )
    assert (job.failed_count, job.owner) == (1, "here")


async def test_jobs_come_one_after_the_other(store: Outages, steps: Steps) -> None:
    async with running(store, {KIND: steps}) as jobs:
        first = await store.add(KIND, "one lane", {})
        second = await store.add(KIND, "another", {})
        await steps.began.wait()
        assert (await store.get(second.id)).state is JobState.QUEUED
        steps.go_on.set()
        assert (await ended(jobs, second.id)).state is JobState.SUCCEEDED
    assert [context.job.id for context in steps.contexts] == [first.id, second.id]


async def test_an_error_that_callers_may_see_ends_the_job_with_its_message(store: Outages) -> None:
    handler = failing(Unprocessable("the bucket is no bucket"))
    async with running(store, {KIND: handler}) as jobs:
        job = await ended(jobs, (await jobs.synchronise(force=False)).id)
    told = (job.state, job.error_code, job.error)
    assert told == (JobState.FAILED, "unprocessable", "the bucket is no bucket")


async def test_a_crash_is_told_in_the_log_alone(store: Outages) -> None:
    crash = ValueError("secret")
    with capture_logs() as told:
        async with running(store, {KIND: failing(crash)}) as jobs:
            job = await ended(jobs, (await jobs.synchronise(force=False)).id)
            after = await ended(jobs, (await jobs.synchronise(force=False)).id)
    assert (job.state, job.error_code, job.error) == (JobState.FAILED, "internal", "internal error")
    assert [
        each["exc_info"] for each in told if each.get("job") == job.id and "exc_info" in each
    ] == [crash]
    assert after.id != job.id


async def test_work_that_somebody_else_cancelled_is_a_crash(store: Outages) -> None:
    began = 0

    async def handler(context: JobContext) -> None:
        nonlocal began
        began += 1
        other = asyncio.create_task(asyncio.sleep(600))
        asyncio.get_running_loop().call_soon(other.cancel)
        await other

    async with running(store, {KIND: handler}) as jobs:
        job = await ended(jobs, (await jobs.synchronise(force=False)).id)
    assert (job.state, job.error, began) == (JobState.FAILED, "internal error", 1)


async def test_a_job_of_an_unknown_kind_fails_and_holds_nothing_up(
    store: Outages, steps: Steps
) -> None:
    steps.go_on.set()
    async with running(store, {KIND: steps}) as jobs:
        unknown = await jobs.start("tidying", {})
        job = await ended(jobs, unknown.id)
        assert (job.state, job.error_code) == (JobState.FAILED, "not_found")
        assert "tidying" in job.error
        after = await ended(jobs, (await jobs.synchronise(force=False)).id)
        assert after.state is JobState.SUCCEEDED


async def test_a_running_job_is_cancelled(store: Outages, steps: Steps) -> None:
    async with running(store, {KIND: steps}) as jobs:
        job = await jobs.synchronise(force=False)
        await steps.began.wait()
        await jobs.cancel(job.id)
        assert (await ended(jobs, job.id)).state is JobState.CANCELLED
        with pytest.raises(Conflict):
            await jobs.cancel(job.id)


async def test_a_job_cancelled_while_it_waits_never_begins(store: Outages, steps: Steps) -> None:
    async with running(store, {KIND: steps}) as jobs:
        first = await store.add(KIND, "one lane", {})
        await steps.began.wait()
        waiting = await store.add(KIND, "another", {})
        assert (await jobs.cancel(waiting.id)).state is JobState.CANCELLED
        steps.go_on.set()
        await ended(jobs, first.id)
        last = await store.add(KIND, "another", {})
        await ended(jobs, last.id)
    assert [context.job.id for context in steps.contexts] == [first.id, last.id]


async def test_a_job_whose_runner_stops_goes_on_at_its_next_start(
    store: Outages, steps: Steps
) -> None:
    async with running(store, {KIND: steps}) as jobs:
        job = await jobs.synchronise(force=False)
        await steps.began.wait()
        await steps.contexts[0].tell(1, 9, {"listed": 9}, now=True)
    left = await store.get(job.id)
    assert (left.state, left.done, left.error) == (JobState.RUNNING, 1, "")
    steps.go_on.set()
    looked = store.claims
    async with running(store, {KIND: steps}, "elsewhere"):
        await until(lambda: store.claims >= looked + 2)
    assert len(steps.contexts) == 1
    async with running(store, {KIND: steps}) as jobs:
        assert (await ended(jobs, job.id)).state is JobState.SUCCEEDED
    assert steps.contexts[1].job.result == {"listed": 9}


async def test_a_silent_runner_loses_its_job_to_exactly_one_other(
    store: Outages, engine: AsyncEngine, clock: Clock, steps: Steps
) -> None:
    reachable = SqlJobStore(engine, JOBS, "sync", clock)
    async with running(store, {KIND: steps}, "frozen", silent_s=600) as jobs:
        job = await jobs.synchronise(force=False)
        await steps.began.wait()
        store.away = True
        clock.now_s += 31
        async with running(reachable, {KIND: steps}, "b"), running(reachable, {KIND: steps}, "c"):
            await until(lambda: len(steps.contexts) == 2)
            taken = await reachable.get(job.id)
            await steps.contexts[0].tell(7, 7, {"late": True}, now=True)
            store.away = False
            await steps.left.wait()
            steps.go_on.set()
            done = await ended(jobs, job.id)
    assert taken.owner in {"b", "c"}
    assert (done.state, done.owner, done.done) == (JobState.SUCCEEDED, taken.owner, 0)
    assert len(steps.contexts) == 2


async def test_a_runner_that_is_not_heard_leaves_the_job_and_takes_it_again(
    store: Outages, steps: Steps
) -> None:
    async with running(store, {KIND: steps}, silent_s=0.1) as jobs:
        job = await jobs.synchronise(force=False)
        await steps.began.wait()
        store.away = True
        await steps.left.wait()
        steps.go_on.set()
        await store.until_refused(2)
        assert (await store.get(job.id)).state is JobState.RUNNING
        store.away = False
        assert (await ended(jobs, job.id)).state is JobState.SUCCEEDED
    assert len(steps.contexts) == 2


async def test_an_outage_ends_neither_the_runner_nor_the_job(store: Outages, steps: Steps) -> None:
    store.away = True
    async with running(store, {KIND: steps}) as jobs:
        await store.until_refused(2)
        job = await jobs.synchronise(force=False)
        store.away = False
        await steps.began.wait()
        store.away = True
        await store.until_refused(1)
        steps.go_on.set()
        await steps.left.wait()
        await store.until_refused(2)
        assert (await store.get(job.id)).state is JobState.RUNNING
        store.away = False
        assert (await ended(jobs, job.id)).state is JobState.SUCCEEDED
    assert len(steps.contexts) == 1


async def test_a_job_cancelled_while_its_process_was_away_never_begins_again(
    store: Outages, steps: Steps
) -> None:
    await store.add(KIND, LANE, {})
    claimed = await store.claim("here", 30)
    assert claimed is not None
    await store.cancel(claimed.id)
    async with running(store, {KIND: steps}) as jobs:
        assert (await ended(jobs, claimed.id)).state is JobState.CANCELLED
    assert steps.contexts == []


async def test_progress_is_told_at_most_as_often_as_asked(store: Outages) -> None:
    await store.add(KIND, LANE, {})
    job = await store.claim("here", 30)
    assert job is not None
    context = JobContext(job, store, tell_every_s=600)
    for done in range(100):
        await context.tell(done, 100, {})
    assert (await store.get(job.id)).done == 0
    await context.tell(100, 100, {"indexed": 100}, now=True)
    found = await store.get(job.id)
    assert (found.done, found.result, found.version) == (100, {"indexed": 100}, job.version + 2)


async def test_equal_synchronisations_at_once_are_one_job(store: Outages, steps: Steps) -> None:
    async with running(store, {KIND: steps}) as jobs:
        started = await asyncio.gather(*(jobs.synchronise(force=False) for _ in range(8)))
        assert len({job.id for job in started}) == 1
        with pytest.raises(Conflict, match="another job is active: synchronisation"):
            await jobs.synchronise(force=True)
        with pytest.raises(Conflict):
            await jobs.start("rebuilding", {"collection": "c"})


async def test_watching_tells_every_state_to_the_end(store: Outages, steps: Steps) -> None:
    runner = JobRunner(store, {KIND: steps}, "here", look_every_s=0.02)
    jobs = Jobs(store, runner)
    job = await jobs.synchronise(force=False)
    watching = jobs.watch(job.id, 0)
    seen = [await anext(watching)]
    async with running(store, {KIND: steps}):
        seen.append(await anext(watching))
        await steps.began.wait()
        await steps.contexts[0].tell(1, 2, {"listed": 2}, now=True)
        seen.append(await anext(watching))
        await steps.contexts[0].fail([ItemFailure("a.jpg", "unprocessable", "damaged")])
        seen.append(await anext(watching))
        steps.go_on.set()
        seen += [each async for each in watching]
    states = [each.state for each in seen]
    assert states == [JobState.QUEUED, *[JobState.RUNNING] * 3, JobState.SUCCEEDED]
    assert [each.version for each in seen] == [1, 2, 3, 4, 5]
    assert [each.done for each in seen] == [0, 0, 1, 1, 1]
    assert [len(each.failed) for each in seen] == [0, 0, 0, 1, 1]


async def test_watching_goes_on_after_a_version(store: Outages) -> None:
    jobs = Jobs(store, JobRunner(store, {}, "here"))
    job = await jobs.synchronise(force=False)
    cancelled = await jobs.cancel(job.id)
    assert [each async for each in jobs.watch(job.id, job.version)] == [cancelled]
    assert [each async for each in jobs.watch(job.id, cancelled.version)] == []
    with pytest.raises(NotFound):
        await anext(jobs.watch("sync_unknown", 0))


async def test_failed_items_are_done_again_by_the_same_job(store: Outages) -> None:
    ran: list[Mapping[str, Any]] = []

    async def handler(context: JobContext) -> None:
        ran.append(context.job.options)
        if context.job.options.get("only_failed"):
            found = await context.failures("", 100)
            await context.mended([each.item for each in found])
        else:
            await context.fail([ItemFailure("a.jpg", "unavailable", "away")])

    async with running(store, {KIND: handler}) as jobs:
        job = await ended(jobs, (await jobs.synchronise(force=True)).id)
        assert (job.state, job.failed_count) == (JobState.SUCCEEDED, 1)
        with pytest.raises(Conflict, match="the job is succeeded"):
            await jobs.resume(job.id)
        again = await jobs.retry_failed(job.id)
        assert again.id == job.id
        assert (await ended(jobs, job.id)).failed_count == 0
        with pytest.raises(Conflict, match="no failed items"):
            await jobs.retry_failed(job.id)
    assert ran == [{"force": True}, {"force": True, "only_failed": True}]


async def test_a_failed_job_is_resumed_as_it_was_asked_for(store: Outages, steps: Steps) -> None:
    jobs = Jobs(store, JobRunner(store, {}, "here"))
    job = await jobs.synchronise(force=True)
    with pytest.raises(Conflict, match="the job is queued"):
        await jobs.resume(job.id)
    with pytest.raises(Conflict, match="the job is queued"):
        await jobs.retry_failed(job.id)
    await store.fail_items(job.id, [ItemFailure("a.jpg", "unavailable", "away")])
    await jobs.cancel(job.id)
    assert (await jobs.retry_failed(job.id)).options == {"force": True, "only_failed": True}
    await jobs.cancel(job.id)
    assert (await jobs.resume(job.id)).options == {"force": True}
    for call in (jobs.resume("sync_x"), jobs.retry_failed("sync_x"), jobs.cancel("sync_x")):
        with pytest.raises(NotFound):
            await call


@pytest.mark.parametrize("limit", [0, 101])
async def test_lists_are_bounded(store: Outages, limit: int) -> None:
    jobs = Jobs(store, JobRunner(store, {}, "here"))
    job = await jobs.synchronise(force=False)
    assert await jobs.recent(100, "") == await jobs.recent(1, "") == [job]
    with pytest.raises(InvalidInput) as caught:
        await jobs.recent(limit, "")
    assert caught.value.fields == {"limit": "must be 1 to 100"}


@pytest.mark.slow
async def test_a_killed_database_ends_neither_the_runner_nor_the_job(
    mortal_server: PostgresServer, steps: Steps
) -> None:
    engine = connect(PostgresDatabases(mortal_server).migrated(), SCHEMA)
    store = SqlJobStore(engine, JOBS, "sync")
    async with running(store, {KIND: steps}) as jobs:
        job = await jobs.synchronise(force=False)
        await steps.began.wait()
        with capture_logs() as told:
            mortal_server.kill()
            await until(lambda: "job cannot tell that it lives" in str(told))
            steps.go_on.set()
            await until(lambda: "job cannot tell that it ended" in str(told))
            with pytest.raises(Unavailable):
                await jobs.get(job.id)
        mortal_server.start()
        assert (await ended(jobs, job.id)).state is JobState.SUCCEEDED
        again = await jobs.synchronise(force=True)
        assert (await ended(jobs, again.id)).state is JobState.SUCCEEDED
    await engine.dispose()
    assert len(steps.contexts) == 2
