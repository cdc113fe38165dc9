"""A job's changes as server-sent events."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from gateway.event_streams import Event
from gateway.jobs.domain import Job
from gateway.jobs.schemas import JobAnswer, JobSummary

CHANGED = "job"
ENDED = "end"

EVENTS_PATH = re.compile("/api/jobs/[^/]+/events")
"""Requests that last as long as the job."""


async def job_events(jobs: AsyncGenerator[Job, None]) -> AsyncGenerator[Event, None]:
    """An event for each of `jobs`; only the last, of a final state, has the failed items."""
    async with aclosing(jobs):
        async for job in jobs:
            if job.state.final:
                yield Event(job.version, ENDED, JobAnswer.of(job).model_dump_json())
            else:
                yield Event(job.version, CHANGED, JobSummary.of(job).model_dump_json())
