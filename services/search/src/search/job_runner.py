"""Runs this service's jobs, one at a time, through the end of any process."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog

from facetkit.errors import INTERNAL, FacetError, NotFound, Unavailable, kind_of
from facetkit.jobs import ItemFailure, Job, JobState, JobStore

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2.0
BEAT_EVERY_S = 1.0
SILENT_S = 30.0
TELL_EVERY_S = 0.5


class JobContext:
    """A running job as its handler sees it."""

    def __init__(self, job: Job, store: JobStore, tell_every_s: float = TELL_EVERY_S) -> None:
        self.job = job
        self._store, self._tell_every_s = store, tell_every_s
        self._told_at = -math.inf

    async def tell(
        self, done: int, total: int, result: Mapping[str, Any], *, now: bool = False
    ) -> None:
        """Writes down the progress, at most twice a second unless `now`."""
        clock = asyncio.get_running_loop().time()
        if now or clock - self._told_at >= self._tell_every_s:
            self._told_at = clock
            await self._store.progress(self.job.id, self.job.owner, done, total, result)

    async def fail(self, failures: Sequence[ItemFailure]) -> None:
        """Keeps failed items."""
        await self._store.fail_items(self.job.id, failures)

    async def failures(self, after: str, limit: int) -> list[ItemFailure]:
        """Failed items in the order of their names, after `after`."""
        return await self._store.failures(self.job.id, after, limit)

    async def mended(self, items: Sequence[str]) -> None:
        """Forgets failures of items that are done now."""
        await self._store.clear_failures(self.job.id, items)


Handler = Callable[[JobContext], Awaitable[None]]


class JobRunner:
    """Takes queued jobs, and those of owners that fell silent. `owner` outlives restarts."""

    def __init__(
        self,
        store: JobStore,
        handlers: Mapping[str, Handler],
        owner: str,
        *,
        look_every_s: float = LOOK_EVERY_S,
        beat_every_s: float = BEAT_EVERY_S,
        silent_s: float = SILENT_S,
    ) -> None:
        self._store, self._handlers, self._owner = store, handlers, owner
        self._look_every_s, self._beat_every_s = look_every_s, beat_every_s
        self._silent_s = silent_s
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Looks for a job at once."""
        self._woken.set()

    async def run(self) -> None:
        """Runs jobs until it is cancelled; the job it then leaves goes on at the next start."""
        while True:
            self._woken.clear()
            try:
                job = await self._store.claim(self._owner, self._silent_s)
                if job is not None:
                    await self._execute(job)
                    continue
            except FacetError as error:
                log.warning("jobs", error=error.message)
            except Exception:
                log.exception("jobs")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_every_s):
                    await self._woken.wait()

    async def _execute(self, job: Job) -> None:
        # One that was to be cancelled when its process died is not begun again.
        if not await self._store.beat(job.id, self._owner):
            await self._store.end_cancelled(job.id, self._owner)
            return
        log.info("job begins", job=job.id, kind=job.kind, options=dict(job.options))
        work = asyncio.create_task(self._handled(job))
        beating = asyncio.create_task(self._beat_until_lost(job.id))
        try:
            done, _ = await asyncio.wait((work, beating), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _stop(work, beating)
        if work in done:
            await self._settle(job, work)
        else:
            beating.result()
            cancelled = await self._store.end_cancelled(job.id, self._owner)
            log.info("job left", job=job.id, cancelled=cancelled)

    async def _handled(self, job: Job) -> None:
        if job.kind not in self._handlers:
            raise NotFound(f"this version of the service has no jobs of the kind '{job.kind}'")
        await self._handlers[job.kind](JobContext(job, self._store))

    async def _beat_until_lost(self, job_id: str) -> None:
        """Returns when the job is another's or to be cancelled.

        Raises Unavailable when it was not heard for so long that others may take the job.
        """
        clock = asyncio.get_running_loop().time
        heard_at = clock()
        while clock() - heard_at < self._silent_s:
            await asyncio.sleep(self._beat_every_s)
            try:
                if not await self._store.beat(job_id, self._owner):
                    return
                heard_at = clock()
            except FacetError as error:
                log.warning("job cannot tell that it lives", job=job_id, error=error.message)
        raise Unavailable(f"the job {job_id} could not tell that it lives: left to whoever can")

    async def _settle(self, job: Job, work: asyncio.Task[None]) -> None:
        state, code, message = _outcome(job, work)
        while True:
            try:
                ended = await self._store.end(job.id, self._owner, state, code, message)
            except Unavailable as error:
                log.warning("job cannot tell that it ended", job=job.id, error=error.message)
                await asyncio.sleep(self._look_every_s)
                continue
            log.info("job ends", job=job.id, state=state, error=message, told=ended)
            return


async def _stop(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _outcome(job: Job, work: asyncio.Task[None]) -> tuple[JobState, str, str]:
    # Nobody cancelled it: whatever it awaited was, by mistake.
    error = asyncio.CancelledError() if work.cancelled() else work.exception()
    if error is None:
        return JobState.SUCCEEDED, "", ""
    if isinstance(error, FacetError):
        return JobState.FAILED, kind_of(error).code, error.message
    log.error("job crashed", job=job.id, exc_info=error)
    return JobState.FAILED, INTERNAL.code, "internal error"
