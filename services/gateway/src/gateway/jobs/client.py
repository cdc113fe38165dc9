"""The gateway's view of services with long work."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC
from typing import Any

import structlog
from google.protobuf import json_format, struct_pb2

from facet.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from facet.search.v1 import search_pb2, search_pb2_grpc
from facetkit import deadlines
from facetkit.client import RpcClient
from facetkit.errors import Deadline, NotReady, Overloaded, Unavailable
from gateway.jobs.domain import Failure, Job, JobError, JobState

log = structlog.get_logger(__name__)

_FIRST_BACKOFF_S = 0.1
_MOST_DOUBLINGS = 4
_STATES = {
    jobs_pb2.JOB_STATE_QUEUED: JobState.QUEUED,
    jobs_pb2.JOB_STATE_RUNNING: JobState.RUNNING,
    jobs_pb2.JOB_STATE_SUCCEEDED: JobState.SUCCEEDED,
    jobs_pb2.JOB_STATE_FAILED: JobState.FAILED,
    jobs_pb2.JOB_STATE_CANCELLED: JobState.CANCELLED,
}


class JobsClient:
    """The jobs of one service through `rpc`; errors come back as the FacetError raised there."""

    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc
        self._stub = jobs_pb2_grpc.JobsServiceStub(rpc.channel)

    async def get(self, job_id: str) -> Job:
        """The job as it is now. Raises NotFound."""
        request = jobs_pb2.GetJobRequest(job_id=job_id)
        return _job((await self._rpc.call(self._stub.GetJob, request)).job)

    async def recent(self, limit: int, before: str) -> list[Job]:
        """The newest jobs, older than `before` unless that is empty, without failed items."""
        request = jobs_pb2.ListJobsRequest(limit=limit, before=before)
        response = await self._rpc.call(self._stub.ListJobs, request)
        return [_job(job) for job in response.jobs]

    async def cancel(self, job_id: str) -> Job:
        """Stops the job. Raises NotFound, and Conflict for an ended one."""
        request = jobs_pb2.CancelJobRequest(job_id=job_id)
        return _job((await self._rpc.call(self._stub.CancelJob, request)).job)

    async def resume(self, job_id: str) -> Job:
        """Goes on with a failed or cancelled job. Raises NotFound and Conflict."""
        request = jobs_pb2.ResumeJobRequest(job_id=job_id)
        return _job((await self._rpc.call(self._stub.ResumeJob, request)).job)

    async def retry_failed(self, job_id: str) -> Job:
        """Does the failed items of an ended job again. Raises NotFound and Conflict."""
        request = jobs_pb2.RetryFailedJobRequest(job_id=job_id)
        return _job((await self._rpc.call(self._stub.RetryFailedJob, request)).job)

    async def watch(self, job_id: str, after: int) -> AsyncGenerator[Job, None]:
        """The job at its versions after `after`, which is not of a final state, up to a final one.

        A stream that breaks or ends early is opened again from the last version seen, until the
        generator is closed or the deadline in force has passed. Raises NotFound and Deadline.
        """
        failures = 0
        while True:
            try:
                async with aclosing(self._opened(job_id, after)) as jobs:
                    async for job in jobs:
                        after, failures = job.version, 0
                        yield job
                        if job.state.final:
                            return
            except (Unavailable, NotReady, Overloaded, Deadline) as error:
                deadlines.check()
                if not failures:
                    log.info("a watch broke", job_id=job_id, after=after, error=error.message)
            await asyncio.sleep(_backoff_s(failures))
            failures += 1

    async def _opened(self, job_id: str, after: int) -> AsyncGenerator[Job, None]:
        request = jobs_pb2.WatchJobRequest(job_id=job_id, after=after)
        async with aclosing(self._rpc.stream(self._stub.WatchJob, request)) as responses:
            async for response in responses:
                yield _job(response.job)


class SyncClient:
    """Synchronisations of search through `rpc`."""

    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc
        self._stub = search_pb2_grpc.SearchServiceStub(rpc.channel)

    async def start(self, *, force: bool) -> Job:
        """The job, or the active one that does the same. Raises Conflict."""
        request = search_pb2.SyncImagesRequest(force=force)
        return _job((await self._rpc.call(self._stub.SyncImages, request)).job)


def _backoff_s(failures: int) -> float:
    delay = _FIRST_BACKOFF_S * 2.0 ** min(failures, _MOST_DOUBLINGS)
    return delay * random.uniform(0.5, 1.5)


def _job(job: jobs_pb2.Job) -> Job:
    return Job(
        job_id=job.job_id,
        kind=job.kind,
        state=_STATES[job.state],
        done=job.done,
        total=job.total,
        failed=[Failure(each.item, each.error, each.code) for each in job.failed],
        failed_count=job.failed_count,
        result=_mapping(job.result) if job.HasField("result") else None,
        error=JobError(job.error.message, job.error.code) if job.HasField("error") else None,
        created_at=job.created_at.ToDatetime(UTC),
        updated_at=job.updated_at.ToDatetime(UTC),
        version=job.version,
    )


def _mapping(struct: struct_pb2.Struct) -> dict[str, Any]:
    values: dict[str, Any] = _whole(json_format.MessageToDict(struct))
    return values


def _whole(value: Any) -> Any:
    # A Struct knows floating numbers only: counts come as 3.0.
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
