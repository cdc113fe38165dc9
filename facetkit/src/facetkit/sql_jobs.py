"""Jobs in an SQL database, shared by all processes of a service."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from uuid6 import uuid7

from facetkit.errors import Conflict, NotFound
from facetkit.jobs import MAX_TOLD_FAILURES, ItemFailure, Job, JobState
from facetkit.sql import transaction
from facetkit.sql_job_failures import FailureRows
from facetkit.sql_job_tables import JobTables, new_job, to_job


class SqlJobStore:
    """A JobStore whose ids begin with `prefix`."""

    def __init__(
        self,
        engine: AsyncEngine,
        tables: JobTables,
        prefix: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._engine, self._now, self._prefix = engine, now, prefix
        self._jobs = tables.jobs
        self._failures = FailureRows(engine, tables.failures)

    async def add(self, kind: str, lane: str, options: Mapping[str, Any]) -> Job:
        """As JobStore.add."""
        job_id = f"{self._prefix}_{uuid7()}"
        values = new_job(job_id, kind, lane, dict(options), self._now_ms())
        try:
            async with transaction(self._engine) as connection:
                await connection.execute(self._jobs.insert().values(values))
        except IntegrityError as error:
            raise Conflict(f"another job is active in the lane '{lane}'") from error
        return to_job(values)

    async def get(self, job_id: str) -> Job:
        """As JobStore.get."""
        statement = sa.select(self._jobs).where(self._jobs.c.id == job_id)
        async with transaction(self._engine) as connection:
            row = (await connection.execute(statement)).mappings().one_or_none()
            if row is None:
                raise _unknown(job_id)
            told = MAX_TOLD_FAILURES if row["failed_count"] else 0
            failed = await self._failures.page(connection, job_id, "", told) if told else []
        return to_job(row, failed)

    async def version(self, job_id: str) -> int:
        """As JobStore.version."""
        statement = sa.select(self._jobs.c.version).where(self._jobs.c.id == job_id)
        async with transaction(self._engine) as connection:
            version = (await connection.execute(statement)).scalar_one_or_none()
        if version is None:
            raise _unknown(job_id)
        return int(version)

    async def recent(self, limit: int, before: str = "") -> list[Job]:
        """As JobStore.recent."""
        statement = sa.select(self._jobs).order_by(self._jobs.c.id.desc()).limit(limit)
        if before:
            statement = statement.where(self._jobs.c.id < before)
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [to_job(row) for row in rows]

    async def active(self, lane: str) -> Job | None:
        """As JobStore.active."""
        statement = sa.select(self._jobs).where(self._jobs.c.active == lane)
        async with transaction(self._engine) as connection:
            row = (await connection.execute(statement)).mappings().one_or_none()
        return to_job(row) if row else None

    async def requeue(self, job_id: str, options: Mapping[str, Any]) -> Job:
        """As JobStore.requeue."""
        values = {
            "state": JobState.QUEUED,
            "active": self._jobs.c.lane,
            "options": dict(options),
            "error_code": "",
            "error": "",
            "cancelling": False,
        }
        try:
            changed = await self._change(job_id, values, self._jobs.c.active.is_(None))
        except IntegrityError as error:
            raise Conflict("another job is active") from error
        job = await self.get(job_id)
        if not changed:
            raise Conflict(f"the job is {job.state}")
        return job

    async def claim(self, owner: str, silent_s: float) -> Job | None:
        """As JobStore.claim."""
        jobs, now = self._jobs.c, self._now_ms()
        silent = jobs.beat_ms < now - silent_s * 1000
        free = sa.or_(
            jobs.state == JobState.QUEUED,
            sa.and_(jobs.state == JobState.RUNNING, sa.or_(silent, jobs.owner == owner)),
        )
        statement = sa.select(jobs.id, jobs.version).where(free).order_by(jobs.id).limit(1)
        async with transaction(self._engine) as connection:
            found = (await connection.execute(statement)).one_or_none()
        if found is None:
            return None
        values = {"state": JobState.RUNNING, "owner": owner, "beat_ms": now}
        mine = await self._change(found.id, values, jobs.version == found.version)
        return await self.get(found.id) if mine else None

    async def beat(self, job_id: str, owner: str) -> bool:
        """As JobStore.beat."""
        jobs = self._jobs.c
        mine = sa.and_(jobs.id == job_id, *self._run_by(owner), sa.not_(jobs.cancelling))
        async with transaction(self._engine) as connection:
            statement = self._jobs.update().where(mine).values(beat_ms=self._now_ms())
            return (await connection.execute(statement)).rowcount == 1

    async def progress(
        self, job_id: str, owner: str, done: int, total: int, result: Mapping[str, Any]
    ) -> None:
        """As JobStore.progress."""
        values = {"done": done, "total": total, "result": dict(result)}
        await self._change(job_id, values, *self._run_by(owner))

    async def fail_items(self, job_id: str, failures: Sequence[ItemFailure]) -> None:
        """As JobStore.fail_items."""
        if not failures:
            return
        async with transaction(self._engine) as connection:
            await self._failures.put(connection, job_id, failures)
            await self._recount(connection, job_id)

    async def failures(self, job_id: str, after: str, limit: int) -> list[ItemFailure]:
        """As JobStore.failures."""
        async with transaction(self._engine) as connection:
            return await self._failures.page(connection, job_id, after, limit)

    async def clear_failures(self, job_id: str, items: Sequence[str]) -> None:
        """As JobStore.clear_failures."""
        async with transaction(self._engine) as connection:
            if await self._failures.remove(connection, job_id, items):
                await self._recount(connection, job_id)

    async def end(
        self, job_id: str, owner: str, state: JobState, code: str = "", error: str = ""
    ) -> bool:
        """As JobStore.end."""
        values = {"state": state, "active": None, "error_code": code, "error": error}
        return await self._change(job_id, values, *self._run_by(owner))

    async def end_cancelled(self, job_id: str, owner: str) -> bool:
        """As JobStore.end_cancelled."""
        values = {"state": JobState.CANCELLED, "active": None}
        return await self._change(job_id, values, *self._run_by(owner), self._jobs.c.cancelling)

    async def cancel(self, job_id: str) -> Job:
        """As JobStore.cancel."""
        state = self._jobs.c.state
        ended = {"state": JobState.CANCELLED, "active": None}
        changed = await self._change(job_id, ended, state == JobState.QUEUED) or (
            await self._change(job_id, {"cancelling": True}, state == JobState.RUNNING)
        )
        job = await self.get(job_id)
        if not changed:
            raise Conflict(f"the job is {job.state}")
        return job

    def _run_by(self, owner: str) -> tuple[sa.ColumnElement[bool], ...]:
        return self._jobs.c.owner == owner, self._jobs.c.state == JobState.RUNNING

    async def _change(self, job_id: str, values: Mapping[str, Any], *where: Any) -> bool:
        statement = self._jobs.update().where(self._jobs.c.id == job_id, *where)
        async with transaction(self._engine) as connection:
            changed = await connection.execute(statement.values(self._versioned(values)))
            return changed.rowcount == 1

    async def _recount(self, connection: AsyncConnection, job_id: str) -> None:
        values = self._versioned({"failed_count": self._failures.count(job_id)})
        statement = self._jobs.update().where(self._jobs.c.id == job_id)
        await connection.execute(statement.values(values))

    def _versioned(self, values: Mapping[str, Any]) -> dict[str, Any]:
        changed = {"version": self._jobs.c.version + 1, "updated_ms": self._now_ms()}
        return {**values, **changed}

    def _now_ms(self) -> int:
        return round(self._now() * 1000)


def _unknown(job_id: str) -> NotFound:
    return NotFound(f"there is no job '{job_id[:100]}'", fields={"job_id": "is unknown"})
