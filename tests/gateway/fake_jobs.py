"""A JobsService that keeps jobs in a dict and lets tests change them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from facet.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from facetkit.errors import NotFound
from tests.gateway.fakes import Fake

JOB_ID = "sync_01920c5e-7b1a-7c3d-9e4f-5a6b7c8d9e0f"
CREATED_AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
UPDATED_AT = datetime(2024, 5, 6, 7, 8, 10, tzinfo=UTC)
QUEUED = jobs_pb2.JOB_STATE_QUEUED
RUNNING = jobs_pb2.JOB_STATE_RUNNING
SUCCEEDED = jobs_pb2.JOB_STATE_SUCCEEDED
FAILED = jobs_pb2.JOB_STATE_FAILED
CANCELLED = jobs_pb2.JOB_STATE_CANCELLED


class FakeJobs(Fake, jobs_pb2_grpc.JobsServiceServicer):
    """`put` a job and all who watch it are told; `watching` counts them.

    With `ends_early` each watch tells of one version only.
    """

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, jobs_pb2.Job] = {}
        self.watching = 0
        self.ends_early = False
        self.watch_fails_with: Exception | None = None
        self._changed = asyncio.Condition()

    async def put(self, job: jobs_pb2.Job) -> None:
        async with self._changed:
            self.jobs[job.job_id] = job
            self._changed.notify_all()

    async def until_watched_by(self, count: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.watching == count)

    async def GetJob(
        self, request: jobs_pb2.GetJobRequest, context: Any
    ) -> jobs_pb2.GetJobResponse:
        await self.note(request, context)
        return jobs_pb2.GetJobResponse(job=self._job(request.job_id))

    async def ListJobs(
        self, request: jobs_pb2.ListJobsRequest, context: Any
    ) -> jobs_pb2.ListJobsResponse:
        await self.note(request, context)
        older = [id for id in self.jobs if not request.before or id < request.before]
        newest = sorted(older, reverse=True)[: request.limit]
        return jobs_pb2.ListJobsResponse(jobs=[self.jobs[id] for id in newest])

    async def WatchJob(
        self, request: jobs_pb2.WatchJobRequest, context: Any
    ) -> AsyncIterator[jobs_pb2.WatchJobResponse]:
        await self.note(request, context)
        await self._count(1)
        try:
            known = request.after
            while True:
                job = await self._newer(request.job_id, known)
                yield jobs_pb2.WatchJobResponse(job=job)
                known = job.version
                if self.ends_early or job.state not in {QUEUED, RUNNING}:
                    return
        finally:
            await self._count(-1)

    async def CancelJob(
        self, request: jobs_pb2.CancelJobRequest, context: Any
    ) -> jobs_pb2.CancelJobResponse:
        await self.note(request, context)
        return jobs_pb2.CancelJobResponse(job=self._job(request.job_id))

    async def ResumeJob(
        self, request: jobs_pb2.ResumeJobRequest, context: Any
    ) -> jobs_pb2.ResumeJobResponse:
        await self.note(request, context)
        return jobs_pb2.ResumeJobResponse(job=self._job(request.job_id))

    async def RetryFailedJob(
        self, request: jobs_pb2.RetryFailedJobRequest, context: Any
    ) -> jobs_pb2.RetryFailedJobResponse:
        await self.note(request, context)
        return jobs_pb2.RetryFailedJobResponse(job=self._job(request.job_id))

    def _job(self, job_id: str) -> jobs_pb2.Job:
        if job_id not in self.jobs:
            raise NotFound(f"there is no job '{job_id}'", fields={"job_id": "is unknown"})
        return self.jobs[job_id]

    async def _newer(self, job_id: str, known: int) -> jobs_pb2.Job:
        async with self._changed:
            await self._changed.wait_for(
                lambda: self.watch_fails_with or self._job(job_id).version > known
            )
        if self.watch_fails_with:
            raise self.watch_fails_with
        return self._job(job_id)

    async def break_watches(self, error: Exception | None) -> None:
        """Ends every watch, now and later, with `error`; None heals."""
        async with self._changed:
            self.watch_fails_with = error
            self._changed.notify_all()

    async def _count(self, change: int) -> None:
        self.watching += change
        async with self._changed:
            self._changed.notify_all()


def a_job(version: int = 1, state: jobs_pb2.JobState.ValueType = RUNNING, **fields: Any) -> Any:
    """A job of two items, one of which has failed."""
    created_at, updated_at = Timestamp(), Timestamp()
    created_at.FromDatetime(CREATED_AT)
    updated_at.FromDatetime(UPDATED_AT)
    known: dict[str, Any] = {
        "job_id": JOB_ID,
        "kind": "synchronisation",
        "state": state,
        "done": 1,
        "total": 2,
        "failed": [jobs_pb2.Failure(item="a.jpg", code="unprocessable", error="damaged")],
        "failed_count": 1,
        "created_at": created_at,
        "updated_at": updated_at,
        "version": version,
    }
    return jobs_pb2.Job(**known | fields)
