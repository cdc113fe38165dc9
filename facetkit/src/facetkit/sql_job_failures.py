"""Failed items of jobs in an SQL database."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from facetkit.jobs import ItemFailure
from facetkit.sql import chunks, upsert


class FailureRows:
    """The rows of failed items. Methods run within the caller's transaction."""

    def __init__(self, engine: AsyncEngine, table: sa.Table) -> None:
        self._engine, self._table = engine, table

    async def put(
        self, connection: AsyncConnection, job_id: str, failures: Sequence[ItemFailure]
    ) -> None:
        """Adds failed items, replacing those of the same name."""
        rows = [
            {"job_id": job_id, "item": each.item, "code": each.code, "error": each.error}
            for each in failures
        ]
        await connection.execute(upsert(self._engine, self._table, replace=("code", "error")), rows)

    async def page(
        self, connection: AsyncConnection, job_id: str, after: str, limit: int
    ) -> list[ItemFailure]:
        """Failed items in the order of their names, after `after`."""
        failures = self._table.c
        statement = (
            sa.select(failures.item, failures.code, failures.error)
            .where(failures.job_id == job_id, failures.item > after)
            .order_by(failures.item)
            .limit(limit)
        )
        return [ItemFailure(*row) for row in (await connection.execute(statement)).all()]

    async def remove(self, connection: AsyncConnection, job_id: str, items: Sequence[str]) -> int:
        """Removes failed items; answers how many there were."""
        failures, removed = self._table.c, 0
        for some in chunks(items):
            gone = sa.and_(failures.job_id == job_id, failures.item.in_(some))
            removed += (await connection.execute(self._table.delete().where(gone))).rowcount
        return removed

    def count(self, job_id: str) -> sa.ScalarSelect[Any]:
        """How many items of a job failed, for use in a statement."""
        failures = self._table.c
        return sa.select(sa.func.count()).where(failures.job_id == job_id).scalar_subquery()
