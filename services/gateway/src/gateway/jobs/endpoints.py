"""/api/jobs: long work, its progress, and what can be done about it."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Response

from facetkit import deadlines
from gateway.errors import ErrorBody, documented
from gateway.event_streams import MEDIA_TYPE, EventStreams
from gateway.jobs.events import job_events
from gateway.jobs.owners import JobOwners
from gateway.jobs.schemas import EXAMPLE_ID, JobAnswer, JobsAnswer
from gateway.security import ApiKeyGuard

_EXAMPLE_EVENT = f'id: 7\nevent: job\ndata: {{"job_id":"{EXAMPLE_ID}","state":"running"}}\n\n'
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The events, as they come",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE_EVENT}},
    },
    204: {"description": "The job has ended and the caller has its last event"},
}
_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorBody, "description": "The job's state, or another job, does not allow it"}
}

JobId = Annotated[str, Path(description="Id of a job", examples=[EXAMPLE_ID])]


class JobEndpoints:
    """Routes over the jobs of all services; event streams answer first within `deadline_s`."""

    def __init__(
        self, owners: JobOwners, streams: EventStreams, guard: ApiKeyGuard, deadline_s: float
    ) -> None:
        self._owners = owners
        self._streams = streams
        self._deadline_s = deadline_s
        self.router = APIRouter(tags=["jobs"], dependencies=[Depends(guard)])
        self._route_reading()
        self._route_steering("cancel", self.cancel, "Stop a job")
        self._route_steering("resume", self.resume, "Go on with a job")
        self._route_steering("retry-failed", self.retry_failed, "Do a job's failed items again")

    def _route_reading(self) -> None:
        self.router.add_api_route(
            "/api/jobs",
            self.recent,
            summary="List jobs",
            responses=documented(400, 401, 503, 504),
        )
        self.router.add_api_route(
            "/api/jobs/{job_id}",
            self.read,
            summary="Read a job",
            responses=documented(401, 404, 503, 504),
        )
        self.router.add_api_route(
            "/api/jobs/{job_id}/events",
            self.events,
            response_class=Response,
            summary="Follow a job",
            responses={**_EVENTS, **documented(400, 401, 404, 429, 503, 504)},
        )

    def _route_steering(
        self, verb: str, endpoint: Callable[[str], Awaitable[JobAnswer]], summary: str
    ) -> None:
        self.router.add_api_route(
            f"/api/jobs/{{job_id}}/{verb}",
            endpoint,
            methods=["POST"],
            summary=summary,
            responses={**_CONFLICT, **documented(401, 404, 503, 504)},
        )

    async def recent(
        self,
        limit: Annotated[int, Query(ge=1, le=100, description="How many: 1 to 100")] = 20,
        before: Annotated[
            str | None, Query(description="Only jobs older than this one: `next` of a page")
        ] = None,
    ) -> JobsAnswer:
        """The jobs of all services, newest first, without their failed items."""
        return JobsAnswer.of(await self._owners.recent(limit, before), limit)

    async def read(self, job_id: JobId) -> JobAnswer:
        """The job as it is now."""
        return JobAnswer.of(await self._owners.of(job_id).get(job_id))

    async def events(
        self,
        job_id: JobId,
        last_event_id: Annotated[
            int,
            Header(
                alias="Last-Event-ID",
                ge=0,
                le=2**63 - 1,
                description="Id of the last event received; what came before is not sent again",
            ),
        ] = 0,
    ) -> Response:
        """The job now and after each change, as server-sent events.

        `job` tells of a change, without the failed items; `end`, the last, of the final state,
        with them. The data is the job, the id its version; changes in quick succession come as
        one. A comment comes at least each 15 s. A stream that ends without `end` is to be opened
        again with `Last-Event-ID`, as browsers do by themselves.
        """
        owner = self._owners.of(job_id)
        async with deadlines.within(self._deadline_s):
            job = await owner.get(job_id)
        if job.state.final and last_event_id == job.version:
            return Response(status_code=204)
        # A version that the job has not reached is not one of its versions.
        after = last_event_id if last_event_id <= job.version else 0
        return self._streams.answer(job_events(owner.watch(job_id, after)))

    async def cancel(self, job_id: JobId) -> JobAnswer:
        """Stops a queued or running job, now or soon. What it has done stays done."""
        return JobAnswer.of(await self._owners.of(job_id).cancel(job_id))

    async def resume(self, job_id: JobId) -> JobAnswer:
        """Goes on with a failed or cancelled job where it stopped."""
        return JobAnswer.of(await self._owners.of(job_id).resume(job_id))

    async def retry_failed(self, job_id: JobId) -> JobAnswer:
        """Does only the failed items of an ended job again."""
        return JobAnswer.of(await self._owners.of(job_id).retry_failed(job_id))
