"""Answers of the job routes."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from gateway.jobs.domain import Job, JobState

EXAMPLE_ID = "sync_01920c5e-7b1a-7c3d-9e4f-5a6b7c8d9e0f"
_EXAMPLE_RESULT = {"added": 118, "removed": 2}


class FailureAnswer(BaseModel):
    """An item that could not be done."""

    item: str = Field(description="For example an object key")
    error: str = Field(description="What went wrong, for people")
    code: str = Field(description="What went wrong, for programs", examples=["unprocessable"])


class JobErrorAnswer(BaseModel):
    """Why a job failed."""

    error: str = Field(description="What went wrong, for people")
    code: str = Field(description="What went wrong, for programs", examples=["unavailable"])


class JobSummary(BaseModel):
    """A job without its failed items."""

    job_id: str = Field(examples=[EXAMPLE_ID])
    kind: str = Field(description="What is done", examples=["synchronisation"])
    state: JobState = Field(description="The last three are final")
    done: int = Field(description="Items done, failed ones included")
    total: int = Field(description="Items in all; while they are being counted, those known so far")
    failed_count: int = Field(description="How many items failed")
    result: dict[str, Any] | None = Field(
        description="What the kind of job tells of its outcome, already while it runs",
        examples=[_EXAMPLE_RESULT],
    )
    error: JobErrorAnswer | None = Field(description="Only of a failed job")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, job: Job) -> Self:
        """`job` as routes answer it."""
        return cls.model_validate(asdict(job))


class JobAnswer(JobSummary):
    """A job."""

    failed: list[FailureAnswer] = Field(description="The first 1,000 failed items")


class JobsAnswer(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobSummary]
    next: str | None = Field(description="`before` of the next page; null on the last one")

    @classmethod
    def of(cls, jobs: list[Job], limit: int) -> "JobsAnswer":
        """A page of at most `limit` jobs."""
        following = jobs[-1].job_id if len(jobs) == limit else None
        return cls(jobs=[JobSummary.of(job) for job in jobs], next=following)
