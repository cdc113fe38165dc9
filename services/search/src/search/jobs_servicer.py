"""Protobuf ↔ jobs."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from facet.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from facetkit.jobs import Job, JobState
from search.jobs import Jobs

JOBS_SERVICE = jobs_pb2.DESCRIPTOR.services_by_name["JobsService"].full_name

_STATES = {
    JobState.QUEUED: jobs_pb2.JOB_STATE_QUEUED,
    JobState.RUNNING: jobs_pb2.JOB_STATE_RUNNING,
    JobState.SUCCEEDED: jobs_pb2.JOB_STATE_SUCCEEDED,
    JobState.FAILED: jobs_pb2.JOB_STATE_FAILED,
    JobState.CANCELLED: jobs_pb2.JOB_STATE_CANCELLED,
}


class JobsServicer(jobs_pb2_grpc.JobsServiceServicer):
    """facet.jobs.v1.JobsService over Jobs."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def GetJob(
        self, request: jobs_pb2.GetJobRequest, context: Any
    ) -> jobs_pb2.GetJobResponse:
        """One job."""
        return jobs_pb2.GetJobResponse(job=job_message(await self._jobs.get(request.job_id)))

    async def ListJobs(
        self, request: jobs_pb2.ListJobsRequest, context: Any
    ) -> jobs_pb2.ListJobsResponse:
        """The newest jobs."""
        jobs = await self._jobs.recent(request.limit, request.before)
        return jobs_pb2.ListJobsResponse(jobs=[job_message(job) for job in jobs])

    async def WatchJob(
        self, request: jobs_pb2.WatchJobRequest, context: Any
    ) -> AsyncIterator[jobs_pb2.WatchJobResponse]:
        """The job, again after each change."""
        async for job in self._jobs.watch(request.job_id, request.after):
            yield jobs_pb2.WatchJobResponse(job=job_message(job))

    async def CancelJob(
        self, request: jobs_pb2.CancelJobRequest, context: Any
    ) -> jobs_pb2.CancelJobResponse:
        """Ends a job."""
        return jobs_pb2.CancelJobResponse(job=job_message(await self._jobs.cancel(request.job_id)))

    async def ResumeJob(
        self, request: jobs_pb2.ResumeJobRequest, context: Any
    ) -> jobs_pb2.ResumeJobResponse:
        """Goes on with a job."""
        return jobs_pb2.ResumeJobResponse(job=job_message(await self._jobs.resume(request.job_id)))

    async def RetryFailedJob(
        self, request: jobs_pb2.RetryFailedJobRequest, context: Any
    ) -> jobs_pb2.RetryFailedJobResponse:
        """Does failed items again."""
        job = await self._jobs.retry_failed(request.job_id)
        return jobs_pb2.RetryFailedJobResponse(job=job_message(job))


def job_message(job: Job) -> jobs_pb2.Job:
    """A job on the wire."""
    message = jobs_pb2.Job(
        job_id=job.id,
        kind=job.kind,
        state=_STATES[job.state],
        done=job.done,
        total=job.total,
        failed=[
            jobs_pb2.Failure(item=each.item, code=each.code, error=each.error)
            for each in job.failed
        ],
        failed_count=job.failed_count,
        created_at=_timestamp(job.created_at),
        updated_at=_timestamp(job.updated_at),
        version=job.version,
    )
    message.result.update(dict(job.result))
    if job.state is JobState.FAILED:
        message.error.CopyFrom(jobs_pb2.JobError(code=job.error_code, message=job.error))
    return message


def _timestamp(instant: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return stamp
