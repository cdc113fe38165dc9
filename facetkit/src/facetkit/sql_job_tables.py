"""The tables of jobs. Times are milliseconds since 1970."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from facetkit.jobs import ItemFailure, Job, JobState
from facetkit.sql import key_type


class JobTables:
    """The tables of jobs within a service's own metadata."""

    def __init__(self, metadata: sa.MetaData) -> None:
        self.jobs = sa.Table(
            "jobs",
            metadata,
            sa.Column("id", key_type(64), primary_key=True),
            sa.Column("kind", sa.String(32), nullable=False),
            sa.Column("lane", sa.String(32), nullable=False),
            # The lane while the job is queued or running: two such jobs cannot be.
            sa.Column("active", sa.String(32), unique=True),
            sa.Column("state", sa.String(16), nullable=False),
            sa.Column("options", sa.JSON, nullable=False),
            sa.Column("result", sa.JSON, nullable=False),
            sa.Column("done", sa.BigInteger, nullable=False),
            sa.Column("total", sa.BigInteger, nullable=False),
            sa.Column("failed_count", sa.BigInteger, nullable=False),
            sa.Column("error_code", sa.String(32), nullable=False),
            sa.Column("error", sa.Text, nullable=False),
            sa.Column("owner", sa.String(128), nullable=False),
            sa.Column("beat_ms", sa.BigInteger, nullable=False),
            sa.Column("cancelling", sa.Boolean, nullable=False),
            sa.Column("version", sa.BigInteger, nullable=False),
            sa.Column("created_ms", sa.BigInteger, nullable=False),
            sa.Column("updated_ms", sa.BigInteger, nullable=False),
        )
        self.failures = sa.Table(
            "job_failures",
            metadata,
            sa.Column("job_id", key_type(64), primary_key=True),
            sa.Column("item", key_type(), primary_key=True),
            sa.Column("code", sa.String(32), nullable=False),
            sa.Column("error", sa.Text, nullable=False),
        )


def new_job(job_id: str, kind: str, lane: str, options: dict[str, Any], now_ms: int) -> Any:
    """The row of a queued job."""
    return {
        "id": job_id,
        "kind": kind,
        "lane": lane,
        "active": lane,
        "state": JobState.QUEUED,
        "options": options,
        "result": {},
        "done": 0,
        "total": 0,
        "failed_count": 0,
        "error_code": "",
        "error": "",
        "owner": "",
        "beat_ms": 0,
        "cancelling": False,
        "version": 1,
        "created_ms": now_ms,
        "updated_ms": now_ms,
    }


def to_job(row: Any, failed: Sequence[ItemFailure] = ()) -> Job:
    """The job of a row."""
    return Job(
        id=row["id"],
        kind=row["kind"],
        state=JobState(row["state"]),
        created_at=_instant(row["created_ms"]),
        updated_at=_instant(row["updated_ms"]),
        done=row["done"],
        total=row["total"],
        failed_count=row["failed_count"],
        version=row["version"],
        options=row["options"],
        result=row["result"],
        error_code=row["error_code"],
        error=row["error"],
        owner=row["owner"],
        failed=tuple(failed),
    )


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
