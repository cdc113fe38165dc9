"""What callers can do with jobs."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from facetkit.errors import Conflict, InvalidInput
from facetkit.jobs import Job, JobStore
from search.job_runner import JobRunner
from search.sync.synchronisation import FORCE, KIND, ONLY_FAILED

LANE = "index"
"""Jobs that change the index come one after the other."""

MAX_JOBS = 100
LOOK_EVERY_S = 0.3


class Jobs:
    """Starts, steers and watches jobs."""

    def __init__(self, store: JobStore, runner: JobRunner) -> None:
        self._store, self._runner = store, runner

    async def synchronise(self, *, force: bool) -> Job:
        """The job that synchronises, an active one where it does the same.

        Raises Conflict while another one is active.
        """
        while (active := await self._store.active(LANE)) is None:
            # Lost to another caller, most likely to one that asks for the same.
            with suppress(Conflict):
                return await self.start(KIND, {FORCE: force})
        same = active.kind == KIND and dict(active.options) == {FORCE: force}
        if not same:
            raise Conflict(f"another job is active: {active.kind} {active.id}")
        return active

    async def start(self, kind: str, options: Mapping[str, Any]) -> Job:
        """A new job. Raises Conflict while another one is active."""
        job = await self._store.add(kind, LANE, options)
        self._runner.wake()
        return job

    async def get(self, job_id: str) -> Job:
        """A job. Raises NotFound."""
        return await self._store.get(job_id)

    async def recent(self, limit: int, before: str) -> list[Job]:
        """The newest jobs older than `before`."""
        if not 1 <= limit <= MAX_JOBS:
            message = f"must be 1 to {MAX_JOBS}"
            raise InvalidInput(f"'limit' {message}", fields={"limit": message})
        return await self._store.recent(limit, before)

    async def watch(self, job_id: str, after: int) -> AsyncIterator[Job]:
        """The job unless its version is `after`, then after each change, to its final state."""
        job = await self._store.get(job_id)
        while True:
            if job.version != after:
                after = job.version
                yield job
            if job.state.final:
                return
            await asyncio.sleep(LOOK_EVERY_S)
            if await self._store.version(job_id) != job.version:
                job = await self._store.get(job_id)

    async def cancel(self, job_id: str) -> Job:
        """Ends a job. Raises NotFound, and Conflict for an ended one."""
        return await self._store.cancel(job_id)

    async def resume(self, job_id: str) -> Job:
        """Queues an ended job again. Raises NotFound and Conflict."""
        job = await self._store.get(job_id)
        if not job.state.final or job.state == "succeeded":
            raise Conflict(f"the job is {job.state}")
        return await self._requeued(job, only_failed=False)

    async def retry_failed(self, job_id: str) -> Job:
        """Queues the failed items of an ended job. Raises NotFound and Conflict."""
        job = await self._store.get(job_id)
        if job.state.final and not job.failed_count:
            raise Conflict("the job has no failed items")
        return await self._requeued(job, only_failed=True)

    async def _requeued(self, job: Job, *, only_failed: bool) -> Job:
        options = {name: value for name, value in job.options.items() if name != ONLY_FAILED}
        if only_failed:
            options[ONLY_FAILED] = True
        queued = await self._store.requeue(job.id, options)
        self._runner.wake()
        return queued
