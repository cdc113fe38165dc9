"""The jobs of all services as one."""

import asyncio
import re
from collections.abc import Mapping

from facetkit.errors import InvalidInput, NotFound
from gateway.jobs.client import JobsClient
from gateway.jobs.domain import Job

_ID = re.compile(r"(?P<owner>[a-z]{1,16})_(?P<uuid>[0-9a-f-]{32,36})")


class JobOwners:
    """Finds the service of a job by the first part of its id; `clients` maps that to the service.

    The second part, a UUID of version 7, orders the jobs of all services by their age.
    """

    def __init__(self, clients: Mapping[str, JobsClient]) -> None:
        self._clients = clients

    def of(self, job_id: str) -> JobsClient:
        """The service that has the job. Raises NotFound."""
        parts = self._parts(job_id)
        if parts is None:
            raise NotFound("there is no such job", fields={"job_id": "is unknown"})
        return self._clients[parts["owner"]]

    async def recent(self, limit: int, before: str | None) -> list[Job]:
        """The newest jobs of all services, older than `before` where given. Raises InvalidInput."""
        parts = self._parts(before) if before is not None else None
        if before is not None and parts is None:
            reason = "must be the id of a job"
            raise InvalidInput(f"'before' {reason}", fields={"before": reason})
        pages = await asyncio.gather(
            *(
                client.recent(limit, f"{owner}_{parts['uuid']}" if parts else "")
                for owner, client in self._clients.items()
            )
        )
        return sorted((job for page in pages for job in page), key=_age, reverse=True)[:limit]

    def _parts(self, job_id: str) -> re.Match[str] | None:
        match = _ID.fullmatch(job_id)
        return match if match and match["owner"] in self._clients else None


def _age(job: Job) -> str:
    return job.job_id.partition("_")[2]
