"""POST /api/search/sync: the index brought in step with the object store."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from gateway.errors import ErrorBody, documented
from gateway.jobs.client import SyncClient
from gateway.jobs.schemas import EXAMPLE_ID, JobAnswer
from gateway.security import ApiKeyGuard

_LOCATION = {"schema": {"type": "string"}, "example": f"/api/jobs/{EXAMPLE_ID}"}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {"description": "The job", "headers": {"Location": _LOCATION}},
    409: {"model": ErrorBody, "description": "Another synchronisation is active"},
}


class SyncEndpoints:
    """The route over a SyncClient."""

    def __init__(self, sync: SyncClient, guard: ApiKeyGuard) -> None:
        self._sync = sync
        self.router = APIRouter(tags=["search"], dependencies=[Depends(guard)])
        self.router.add_api_route(
            "/api/search/sync",
            self.start,
            methods=["POST"],
            status_code=202,
            summary="Synchronise with the object store",
            responses={**_RESPONSES, **documented(400, 401, 503, 504)},
        )

    async def start(
        self,
        response: Response,
        force: Annotated[
            bool,
            Query(description="Also remove what is gone from the store where that is much"),
        ] = False,
    ) -> JobAnswer:
        """Brings the index in step with the object store, as a job.

        Answers with the active job where it does the same. `Location` is where the job is told
        of; what no longer is in the store leaves the index, unless that is suspiciously much.
        """
        job = await self._sync.start(force=force)
        response.headers["Location"] = f"/api/jobs/{job.job_id}"
        return JobAnswer.of(job)
