"""Search in one process for `bench.sync`: real manifest and synchronisation, no model, no index."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from facetkit.errors import NotFound
from facetkit.memory_objects import MemoryObjectStore
from facetkit.migrations import migrate
from facetkit.objects import PAGE_SIZE, ObjectInfo, ObjectStore, StoredObject
from facetkit.sql import database_url
from search.domain import Filter, Found, ImageVector, ModelInfo, Page, Row, Statistics, Vector
from tests.databases import MIGRATIONS
from tests.search.parts import Parts, connected, running

MODEL = ModelInfo("none", "1", "none", 512)
_WHEN = datetime(2026, 1, 1, tzinfo=UTC)
_UNIT = np.eye(1, MODEL.dimensions, dtype=np.float32)[0]


class CountedObjects(MemoryObjectStore):
    """So many objects, made when they are asked for; nothing is kept."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    async def pages(self, prefix: str = "", *, after: str = "") -> AsyncIterator[list[ObjectInfo]]:
        """All of them."""
        for start in range(0, self._count, PAGE_SIZE):
            yield [_info(number) for number in range(start, min(start + PAGE_SIZE, self._count))]

    async def get(self, key: str, *, max_bytes: int | None = None) -> StoredObject:
        """One of them: 20 kB that no other has."""
        number = int(key[5:-4])
        content = (b"picture %10d" % number).ljust(64, b".") * 312
        return StoredObject(_info(number), content)


class NoVectors:
    """A vector store that forgets what it is given, so that only synchronisation takes memory."""

    async def open(self, model: ModelInfo) -> None:
        """Nothing to open."""

    async def upsert(self, rows: Sequence[Row]) -> None:
        """Forgets the rows."""

    async def delete(self, item_ids: Sequence[str]) -> None:
        """There are none."""

    async def get(self, item_id: str) -> Row | None:
        """There are none."""
        return None

    async def search(self, vector: Vector, page: Page, accept: Filter) -> Found:
        """There are none."""
        return Found()

    async def rows(self) -> AsyncIterator[list[Row]]:
        """There are none."""
        for batch in list[list[Row]]():
            yield batch

    async def statistics(self) -> Statistics:
        """There are none."""
        return Statistics("none", 0, 0, "store")

    async def ping(self) -> None:
        """Always there."""

    async def close(self) -> None:
        """Nothing to close."""


class NoCollections:
    """One collection that forgets."""

    def name(self, model: ModelInfo) -> str:
        """Its name."""
        return "none"

    def store(self) -> NoVectors:
        """The store."""
        return NoVectors()

    async def active(self) -> str:
        """Its name."""
        return "none"

    async def switch(self, collection: str) -> None:
        """It answers already."""

    async def drop(self, collection: str) -> None:
        """Raises NotFound."""
        raise NotFound("there is nothing to drop")


class NoModel:
    """One vector for everything."""

    async def model(self) -> ModelInfo:
        """Its identity."""
        return MODEL

    async def embed_image(self, content: bytes, *, bulk: bool = False) -> ImageVector:
        """The vector."""
        return ImageVector(_UNIT, 640, 480, "image/jpeg", MODEL)

    async def embed_text(self, text: str) -> tuple[Vector, ModelInfo]:
        """The vector."""
        return _UNIT, MODEL


@asynccontextmanager
async def synchronising(folder: Path, objects: ObjectStore) -> AsyncIterator[Parts]:
    """Search over these objects and a new database in `folder`."""
    url = database_url(f"sqlite:///{folder / 'search.db'}")
    migrate(url, "search", MIGRATIONS)
    async with connected(url) as database:
        parts = Parts(
            database,
            objects,
            NoCollections(),
            [NoModel()],
            at_once=16,
            batch_size=64,
            max_bytes=24 * 2**20,
        )
        async with running(parts):
            yield parts


def _info(number: int) -> ObjectInfo:
    return ObjectInfo(f"shop/{number:09}.jpg", 64 * 312, f"{number:032x}", _WHEN, "image/jpeg")
