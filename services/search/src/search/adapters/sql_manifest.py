"""Manifest in an SQL database."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from facetkit.sql import chunks, take_turns, transaction, upsert
from search.adapters.key_range import end_of_prefix
from search.adapters.sql_rows import IMAGE_COLUMNS, image_values, object_values, to_image
from search.adapters.tables import HOLDINGS, IMAGES, OBJECTS, PAIRS
from search.manifest import Counts, Entry, Image

_REPLACED = ("etag", "size_bytes", "image_id", "code", "error", "missing_job")


class SqlManifest:
    """A Manifest over the tables of search."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def known(self, after: str, last: str | None) -> dict[str, tuple[str, int]]:
        """As Manifest.known."""
        objects = OBJECTS.c
        statement = sa.select(objects.key, objects.etag, objects.size_bytes)
        statement = statement.where(objects.key > after)
        if last is not None:
            statement = statement.where(objects.key <= last)
        async with transaction(self._engine) as connection:
            rows = await connection.run_sync(_rows, statement)
        return {key: (etag, size) for key, etag, size in rows}

    async def entry(self, key: str) -> Entry | None:
        """As Manifest.entry."""
        statement = sa.select(OBJECTS).where(OBJECTS.c.key == key)
        async with transaction(self._engine) as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            return None
        return Entry(row.key, row.etag, row.size_bytes, row.image_id or "", row.code, row.error)

    async def keys_of(self, image_ids: Sequence[str]) -> dict[str, list[str]]:
        """As Manifest.keys_of."""
        objects = OBJECTS.c
        found: dict[str, list[str]] = {}
        async with transaction(self._engine) as connection:
            for some in chunks(image_ids):
                statement = sa.select(objects.image_id, objects.key).order_by(objects.key)
                rows = await connection.execute(statement.where(objects.image_id.in_(some)))
                for image_id, key in rows:
                    found.setdefault(image_id, []).append(key)
        return found

    async def images(self, image_ids: Sequence[str]) -> dict[str, Image]:
        """As Manifest.images."""
        found: dict[str, Image] = {}
        async with transaction(self._engine) as connection:
            for some in chunks(image_ids):
                statement = sa.select(*IMAGE_COLUMNS).where(IMAGES.c.id.in_(some))
                rows = await connection.execute(statement)
                found |= {row.id: to_image(row) for row in rows}
        return found

    async def with_pixels(self, pixels: Sequence[str]) -> dict[str, list[str]]:
        """As Manifest.with_pixels."""
        images = IMAGES.c
        found: dict[str, list[str]] = {}
        async with transaction(self._engine) as connection:
            for some in chunks(pixels):
                statement = sa.select(images.pixels, images.id).order_by(images.id)
                rows = await connection.execute(statement.where(images.pixels.in_(some)))
                for pixels_hash, image_id in rows:
                    found.setdefault(pixels_hash, []).append(image_id)
        return found

    async def with_other_key(self, prefix: str) -> dict[str, str]:
        """As Manifest.with_other_key."""
        statement = (
            sa.select(OBJECTS.c.image_id, sa.func.min(OBJECTS.c.key))
            .join(IMAGES, IMAGES.c.id == OBJECTS.c.image_id)
            .where(_begins(OBJECTS.c.key, prefix), sa.not_(_begins(IMAGES.c.key, prefix)))
            .group_by(OBJECTS.c.image_id)
        )
        async with transaction(self._engine) as connection:
            return {image_id: key for image_id, key in await connection.execute(statement)}

    async def record(
        self,
        entries: Sequence[Entry],
        images: Sequence[Image],
        held: Mapping[str, Sequence[str]],
    ) -> list[str]:
        """As Manifest.record."""
        after = {entry.key: entry for entry in entries}
        async with transaction(self._engine) as connection:
            await take_turns(connection, OBJECTS.name)
            before = await _image_ids(connection, list(after))
            await self._put_images(connection, images)
            statement = upsert(self._engine, OBJECTS, replace=_REPLACED)
            await _insert(connection, statement, map(object_values, after.values()))
            holdings = (
                {"collection": collection, "image_id": image_id}
                for collection, image_ids in held.items()
                for image_id in image_ids
            )
            await _insert(connection, upsert(self._engine, HOLDINGS), holdings)
        left = (image_id for key, image_id in before.items() if after[key].image_id != image_id)
        return sorted(set(left))

    async def _put_images(self, connection: AsyncConnection, images: Sequence[Image]) -> None:
        # What is known of an image without a fingerprint takes none away.
        for replace, with_prints in (((), False), (("pixels", "perceptual"), True)):
            some = [image for image in images if bool(image.fingerprint) is with_prints]
            statement = upsert(self._engine, IMAGES, replace=replace)
            await _insert(connection, statement, map(image_values, some))

    async def remove_keys(self, keys: Sequence[str]) -> list[str]:
        """As Manifest.remove_keys."""
        led_to: set[str] = set()
        async with transaction(self._engine) as connection:
            await take_turns(connection, OBJECTS.name)
            for some in chunks(keys):
                statement = OBJECTS.delete().where(OBJECTS.c.key.in_(some))
                removed = await connection.execute(statement.returning(OBJECTS.c.image_id))
                led_to.update(image_id for image_id in removed.scalars() if image_id)
        return sorted(led_to)

    async def name_by(self, image_id: str, key: str) -> None:
        """As Manifest.name_by."""
        statement = IMAGES.update().where(IMAGES.c.id == image_id).values(key=key)
        async with transaction(self._engine) as connection:
            await connection.execute(statement)

    async def forget_image(self, image_id: str) -> None:
        """As Manifest.forget_image."""
        paired = sa.or_(PAIRS.c.first == image_id, PAIRS.c.second == image_id)
        async with transaction(self._engine) as connection:
            # In the order of `record`: two that wait for each other would fail.
            await connection.execute(IMAGES.delete().where(IMAGES.c.id == image_id))
            await connection.execute(HOLDINGS.delete().where(HOLDINGS.c.image_id == image_id))
            await connection.execute(PAIRS.delete().where(paired))

    async def misnamed(self, after: str, limit: int) -> list[str]:
        """As Manifest.misnamed."""
        leads = sa.and_(OBJECTS.c.key == IMAGES.c.key, OBJECTS.c.image_id == IMAGES.c.id)
        statement = (
            sa.select(IMAGES.c.id)
            .where(IMAGES.c.id > after, sa.not_(sa.exists().where(leads)))
            .order_by(IMAGES.c.id)
            .limit(limit)
        )
        async with transaction(self._engine) as connection:
            return list((await connection.execute(statement)).scalars())

    async def counts(self) -> Counts:
        """As Manifest.counts."""
        statement = sa.select(
            sa.select(sa.func.count()).select_from(OBJECTS).scalar_subquery(),
            sa.select(sa.func.count()).where(OBJECTS.c.image_id.is_(None)).scalar_subquery(),
            sa.select(sa.func.count()).select_from(IMAGES).scalar_subquery(),
        )
        async with transaction(self._engine) as connection:
            keys, broken, images = (await connection.execute(statement)).one()
        return Counts(keys, broken, images)


def _rows(connection: sa.Connection, statement: sa.Select[Any]) -> Any:
    # A listing is compared with millions of these: SQLAlchemy's rows take twice a tuple's time.
    cursor: Any = connection.execute(statement).cursor
    return cursor.fetchall()


async def _image_ids(connection: AsyncConnection, keys: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in chunks(keys):
        statement = sa.select(OBJECTS.c.key, OBJECTS.c.image_id)
        statement = statement.where(OBJECTS.c.key.in_(some), OBJECTS.c.image_id.is_not(None))
        found |= {key: image_id for key, image_id in await connection.execute(statement)}
    return found


async def _insert(connection: AsyncConnection, statement: Any, rows: Any) -> None:
    if values := list(rows):
        await connection.execute(statement, values)


def _begins(column: Any, prefix: str) -> Any:
    # LIKE ignores case on SQLite, has wildcards, and uses no index.
    end = end_of_prefix(prefix)
    return sa.and_(column >= prefix, column < end) if end else column >= prefix
