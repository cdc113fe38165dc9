"""Jobs: long work that outlives its caller and the process that runs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

MAX_TOLD_FAILURES = 1000


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """An item that could not be done; `code` as of facetkit.errors."""

    item: str
    code: str
    error: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is now; `version` rises with each change. Times in UTC.

    `failed` holds the first 1,000 failed items, `options` what was asked for, `owner` is who ran
    it last.
    """

    id: str
    kind: str
    state: JobState
    created_at: datetime
    updated_at: datetime
    done: int = 0
    total: int = 0
    failed_count: int = 0
    version: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    error_code: str = ""
    error: str = ""
    owner: str = ""
    failed: Sequence[ItemFailure] = ()


class JobStore(Protocol):
    """Keeps jobs. Methods that answer a job raise NotFound for an unknown id; all, Unavailable.

    What is told in an owner's name changes nothing once the job is another's or has ended.
    """

    async def add(self, kind: str, lane: str, options: Mapping[str, Any]) -> Job:
        """A new queued job. Raises Conflict while another one is active in its lane."""

    async def get(self, job_id: str) -> Job:
        """The job with its failures."""

    async def version(self, job_id: str) -> int:
        """The job's version. Raises NotFound."""

    async def recent(self, limit: int, before: str = "") -> list[Job]:
        """The newest jobs, older than `before` where given, without their failures."""

    async def active(self, lane: str) -> Job | None:
        """The queued or running job of a lane, without its failures."""

    async def requeue(self, job_id: str, options: Mapping[str, Any]) -> Job:
        """Queues an ended job again. Raises Conflict where it or another one is active."""

    async def claim(self, owner: str, silent_s: float) -> Job | None:
        """Makes a queued job, or a running one of an owner silent for so long, `owner`'s own.

        A running job of `owner` itself, which it left, is its own at once.
        """

    async def beat(self, job_id: str, owner: str) -> bool:
        """Tells that the owner lives; false once the job is another's, ended or to be cancelled."""

    async def progress(
        self, job_id: str, owner: str, done: int, total: int, result: Mapping[str, Any]
    ) -> None:
        """Writes down how far the owner is with the job."""

    async def fail_items(self, job_id: str, failures: Sequence[ItemFailure]) -> None:
        """Adds failed items, replacing those of the same name."""

    async def failures(self, job_id: str, after: str, limit: int) -> list[ItemFailure]:
        """Failed items in the order of their names, after `after`."""

    async def clear_failures(self, job_id: str, items: Sequence[str]) -> None:
        """Removes failed items."""

    async def end(
        self, job_id: str, owner: str, state: JobState, code: str = "", error: str = ""
    ) -> bool:
        """Puts the owner's job into a final state; false where it is not the owner's to end."""

    async def end_cancelled(self, job_id: str, owner: str) -> bool:
        """Ends the owner's job that was to be cancelled; false where there is no such."""

    async def cancel(self, job_id: str) -> Job:
        """Ends a queued job and asks a running one to end. Raises Conflict for an ended one."""
