"""Long work as the gateway sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


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
        return self not in {JobState.QUEUED, JobState.RUNNING}


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that could not be done."""

    item: str
    error: str
    code: str


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed."""

    error: str
    code: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job at one `version`, which rises with each change; see jobs.proto."""

    job_id: str
    kind: str
    state: JobState
    done: int
    total: int
    failed: Sequence[Failure]
    failed_count: int
    result: Mapping[str, Any] | None
    error: JobError | None
    created_at: datetime
    updated_at: datetime
    version: int
