"""A process of search that dies at a chosen step, whatever it is doing then."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from structlog.testing import capture_logs

from facetkit.objects import ObjectInfo, ObjectStore, StoredObject
from search.adapters.database import Database
from search.domain import ImageVector, Row
from tests.search.alike import AlikeEmbedder
from tests.search.fakes import MemoryCollections, MemoryVectorStore
from tests.search.parts import Parts, connected, running
from tests.search.watched_objects import WatchedObjects


class Killed(BaseException):
    """Ends the process: nobody catches it, and nothing works afterwards."""


class Life:
    """Steps that a process may still take. Without a number it never ends; `taken` counts."""

    def __init__(self, steps: int | None = None) -> None:
        self._steps, self.taken = steps, 0

    def step(self, *_: Any, **__: Any) -> None:
        """Takes a step. Raises Killed after the last one."""
        if self._steps is not None and self.taken >= self._steps:
            raise Killed
        self.taken += 1


class MortalObjects(WatchedObjects):
    """Each call is a step."""

    def __init__(self, life: Life, inner: ObjectStore) -> None:
        super().__init__(inner)
        self._life = life

    async def put(self, key: str, content: bytes, **conditions: Any) -> ObjectInfo:
        """As ObjectStore.put."""
        self._life.step()
        return await super().put(key, content, **conditions)

    async def get(self, key: str, *, max_bytes: int | None = None) -> StoredObject:
        """As ObjectStore.get."""
        self._life.step()
        return await super().get(key, max_bytes=max_bytes)

    async def head(self, key: str) -> ObjectInfo:
        """As ObjectStore.head."""
        self._life.step()
        return await super().head(key)

    async def delete(self, key: str) -> bool:
        """As ObjectStore.delete."""
        self._life.step()
        return await super().delete(key)

    async def pages(self, prefix: str = "", *, after: str = "") -> AsyncIterator[list[ObjectInfo]]:
        """As ObjectStore.pages."""
        async for page in super().pages(prefix, after=after):
            self._life.step()
            yield page


class MortalEmbedder(AlikeEmbedder):
    """Each image is a step."""

    life = Life()

    async def embed_image(self, content: bytes, *, bulk: bool = False) -> ImageVector:
        """As Embedder.embed_image."""
        self.life.step()
        return await super().embed_image(content, bulk=bulk)


class MortalVectorStore(MemoryVectorStore):
    """Each write is a step; one that ends the process writes half of its rows."""

    def __init__(self, life: Life, kept: dict[str, dict[str, Row]]) -> None:
        super().__init__(kept)
        self._life = life

    async def upsert(self, rows: Sequence[Row]) -> None:
        """As VectorStore.upsert."""
        try:
            self._life.step()
        except Killed:
            await super().upsert(rows[: len(rows) // 2])
            raise
        await super().upsert(rows)

    async def delete(self, item_ids: Sequence[str]) -> None:
        """As VectorStore.delete."""
        self._life.step()
        await super().delete(item_ids)


class MortalCollections(MemoryCollections):
    """The collections of `kept`, seen by one process."""

    def __init__(self, life: Life, kept: MemoryCollections) -> None:
        super().__init__()
        self._life, self._all, self.kept = life, kept, kept.kept

    def store(self) -> MortalVectorStore:
        """As Collections.store."""
        return MortalVectorStore(self._life, self.kept)

    async def active(self) -> str:
        """As Collections.active."""
        return await self._all.active()

    async def switch(self, collection: str) -> None:
        """As Collections.switch."""
        self._life.step()
        await self._all.switch(collection)

    async def drop(self, collection: str) -> None:
        """As Collections.drop."""
        self._life.step()
        await self._all.drop(collection)


async def lived(
    life: Life,
    url: sa.URL,
    objects: ObjectStore,
    collections: MemoryCollections,
    embedder: MortalEmbedder,
    deeds: Callable[[Parts], Awaitable[object]],
) -> bool:
    """Starts a process that does its `deeds`; answers whether it came to their end."""
    embedder.life = life
    async with connected(url) as database:
        _watch(database, life)
        parts = Parts(
            database, MortalObjects(life, objects), MortalCollections(life, collections), [embedder]
        )
        # Tracebacks of deaths are of no interest, and slow to print.
        with suppress(Killed), capture_logs():
            async with running(parts):
                await deeds(parts)
                return True
    return False


def _watch(database: Database, life: Life) -> None:
    for event in ("before_cursor_execute", "commit"):
        sa.event.listen(database.engine.sync_engine, event, life.step)
