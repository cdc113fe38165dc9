"""Holdings, missing keys and pairs in an SQL database."""

import time
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from facetkit.sql import chunks, take_turns, transaction, upsert
from search.adapters.sql_rows import IMAGE_COLUMNS, to_images
from search.adapters.tables import HOLDINGS, IMAGES, MODELS, OBJECTS, PAIRS
from search.domain import ModelInfo, Tier
from search.duplicates import Pair
from search.manifest import Image


class SqlHoldings:
    """Holdings over the tables of search."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def lacking(self, collection: str, after: str, limit: int) -> list[Image]:
        """As Holdings.lacking."""
        held = sa.and_(HOLDINGS.c.collection == collection, HOLDINGS.c.image_id == IMAGES.c.id)
        statement = (
            sa.select(*IMAGE_COLUMNS)
            .where(IMAGES.c.id > after, sa.not_(sa.exists().where(held)))
            .order_by(IMAGES.c.id)
            .limit(limit)
        )
        async with transaction(self._engine) as connection:
            return to_images((await connection.execute(statement)).all())

    async def count(self, collection: str) -> int:
        """As Holdings.count."""
        statement = sa.select(sa.func.count()).where(HOLDINGS.c.collection == collection)
        async with transaction(self._engine) as connection:
            return int((await connection.execute(statement)).scalar_one())

    async def ids(self, collection: str) -> set[str]:
        """As Holdings.ids."""
        statement = sa.select(HOLDINGS.c.image_id).where(HOLDINGS.c.collection == collection)
        async with transaction(self._engine) as connection:
            return set((await connection.execute(statement)).scalars())

    async def change(self, collection: str, added: Sequence[str], removed: Sequence[str]) -> None:
        """As Holdings.change."""
        rows = [{"collection": collection, "image_id": image_id} for image_id in sorted(added)]
        async with transaction(self._engine) as connection:
            if rows:
                await connection.execute(upsert(self._engine, HOLDINGS), rows)
            for some in chunks(removed):
                gone = sa.and_(HOLDINGS.c.collection == collection, HOLDINGS.c.image_id.in_(some))
                await connection.execute(HOLDINGS.delete().where(gone))

    async def of(self, image_ids: Sequence[str]) -> dict[str, set[str]]:
        """As Holdings.of."""
        found: dict[str, set[str]] = {}
        async with transaction(self._engine) as connection:
            for some in chunks(image_ids):
                statement = sa.select(HOLDINGS.c.image_id, HOLDINGS.c.collection)
                rows = await connection.execute(statement.where(HOLDINGS.c.image_id.in_(some)))
                for image_id, collection in rows:
                    found.setdefault(image_id, set()).add(collection)
        return found

    async def remember(self, collection: str, model: ModelInfo) -> None:
        """As Holdings.remember."""
        values = {
            "collection": collection,
            "name": model.name,
            "version": model.version,
            "model_set": model.model_set,
            "dimensions": model.dimensions,
            "since_ms": round(time.time() * 1000),
        }
        async with transaction(self._engine) as connection:
            await connection.execute(upsert(self._engine, MODELS), [values])

    async def models(self) -> dict[str, ModelInfo]:
        """As Holdings.models."""
        statement = sa.select(MODELS).order_by(MODELS.c.since_ms, MODELS.c.collection)
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(statement)).all()
        return {
            row.collection: ModelInfo(row.name, row.version, row.model_set, row.dimensions)
            for row in rows
        }

    async def forget(self, collection: str) -> None:
        """As Holdings.forget."""
        async with transaction(self._engine) as connection:
            await connection.execute(HOLDINGS.delete().where(HOLDINGS.c.collection == collection))
            await connection.execute(PAIRS.delete().where(PAIRS.c.collection == collection))
            await connection.execute(MODELS.delete().where(MODELS.c.collection == collection))


class SqlMissingKeys:
    """MissingKeys over the tables of search."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def mark(self, keys: Sequence[str], job_id: str) -> None:
        """As MissingKeys.mark."""
        await self._set(keys, job_id)

    async def unmark(self, keys: Sequence[str]) -> None:
        """As MissingKeys.unmark."""
        await self._set(keys, None)

    async def unmark_all(self) -> None:
        """As MissingKeys.unmark_all."""
        marked = OBJECTS.c.missing_job.is_not(None)
        async with transaction(self._engine) as connection:
            await take_turns(connection, OBJECTS.name)
            await connection.execute(OBJECTS.update().where(marked).values(missing_job=None))

    async def page(self, job_id: str, after: str, limit: int) -> list[str]:
        """As MissingKeys.page."""
        statement = (
            sa.select(OBJECTS.c.key)
            .where(OBJECTS.c.missing_job == job_id, OBJECTS.c.key > after)
            .order_by(OBJECTS.c.key)
            .limit(limit)
        )
        async with transaction(self._engine) as connection:
            return list((await connection.execute(statement)).scalars())

    async def count(self, job_id: str) -> int:
        """As MissingKeys.count."""
        statement = sa.select(sa.func.count()).where(OBJECTS.c.missing_job == job_id)
        async with transaction(self._engine) as connection:
            return int((await connection.execute(statement)).scalar_one())

    async def _set(self, keys: Sequence[str], job_id: str | None) -> None:
        async with transaction(self._engine) as connection:
            await take_turns(connection, OBJECTS.name)
            for some in chunks(keys):
                statement = OBJECTS.update().where(OBJECTS.c.key.in_(some))
                await connection.execute(statement.values(missing_job=job_id))


class SqlPairs:
    """A PairStore over the tables of search."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, collection: str, pairs: Sequence[Pair]) -> None:
        """As PairStore.add."""
        if not pairs:
            return
        rows = [
            {
                "collection": collection,
                "first": pair.first,
                "second": pair.second,
                "tier": int(pair.tier),
                "score": pair.score,
                "same_pixels": pair.same_pixels,
            }
            # In one order: two that wait for each other would fail.
            for pair in sorted(pairs, key=lambda pair: (pair.first, pair.second))
        ]
        statement = upsert(self._engine, PAIRS, replace=("tier", "score", "same_pixels"))
        async with transaction(self._engine) as connection:
            await connection.execute(statement, rows)

    async def of(self, collection: str, image_id: str) -> list[Pair]:
        """As PairStore.of."""
        return await self._pairs(
            PAIRS.c.collection == collection,
            sa.or_(PAIRS.c.first == image_id, PAIRS.c.second == image_id),
        )

    async def all(self, collection: str) -> list[Pair]:
        """As PairStore.all."""
        return await self._pairs(PAIRS.c.collection == collection)

    async def shared(self) -> list[str]:
        """As PairStore.shared."""
        statement = (
            sa.select(OBJECTS.c.image_id)
            .where(OBJECTS.c.image_id.is_not(None))
            .group_by(OBJECTS.c.image_id)
            .having(sa.func.count() > 1)
            .order_by(OBJECTS.c.image_id)
        )
        async with transaction(self._engine) as connection:
            return list((await connection.execute(statement)).scalars())

    async def _pairs(self, *where: sa.ColumnElement[bool]) -> list[Pair]:
        columns = (PAIRS.c.first, PAIRS.c.second, PAIRS.c.tier, PAIRS.c.score, PAIRS.c.same_pixels)
        statement = sa.select(*columns).where(*where).order_by(PAIRS.c.first, PAIRS.c.second)
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(statement)).all()
        return [
            Pair(row.first, row.second, Tier(row.tier), row.score, row.same_pixels) for row in rows
        ]
