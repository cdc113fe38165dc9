"""In-memory stand-ins that pass the contracts of the real ones."""

import hashlib
from collections.abc import AsyncIterator, Sequence

import numpy as np

from facetkit.errors import Unavailable, UnsupportedMedia
from search.domain import (
    Filter,
    Found,
    Hit,
    ImageVector,
    Item,
    ModelInfo,
    Page,
    Row,
    Statistics,
    Vector,
)

MODEL = ModelInfo("fake-clip", "1", "fake", 32)


def unit(content: bytes, dimensions: int = MODEL.dimensions) -> Vector:
    """A unit vector that depends on the content alone."""
    seed = int.from_bytes(hashlib.sha256(content).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(dimensions).astype(np.float32)
    made: Vector = vector / np.linalg.norm(vector)
    return made


class MemoryVectorStore:
    """Rows in a dict. `away` makes it unreachable; `lose_answers` writes, then fails."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self.away = False
        self.lose_answers = False

    async def open(self, model: ModelInfo) -> None:
        """Nothing to open."""
        self._reach()

    async def upsert(self, rows: Sequence[Row]) -> None:
        """Writes the rows."""
        self._reach()
        self._rows |= {row.item.id: row for row in rows}
        self._answer()

    async def delete(self, item_id: str) -> None:
        """Removes a row, if it is there."""
        self._reach()
        self._rows.pop(item_id, None)
        self._answer()

    async def get(self, item_id: str) -> Row | None:
        """The row of an id."""
        self._reach()
        return self._rows.get(item_id)

    async def search(self, vector: Vector, page: Page, accept: Filter) -> Found:
        """The nearest rows, by the definition."""
        self._reach()
        hits = [
            Hit(row.item, float(row.vector @ vector))
            for row in self._rows.values()
            if _accepted(accept, row.item)
        ]
        hits.sort(key=lambda hit: (-hit.score, hit.item.id))
        return Found(hits[page.offset : page.window], len(hits))

    async def rows(self) -> AsyncIterator[list[Row]]:
        """All rows in one batch."""
        self._reach()
        yield list(self._rows.values())

    async def statistics(self) -> Statistics:
        """The count."""
        self._reach()
        return Statistics("memory", len(self._rows), 0, "store")

    async def ping(self) -> None:
        """Fails while away."""
        self._reach()

    async def close(self) -> None:
        """Nothing to close."""

    def _reach(self) -> None:
        if self.away:
            raise Unavailable("the vector store cannot be reached")

    def _answer(self) -> None:
        if self.lose_answers:
            raise Unavailable("the vector store cannot be reached")


class FakeEmbedder:
    """Vectors from content hashes. Contents that begin with `bad` are not images."""

    def __init__(self) -> None:
        self.info = MODEL
        self.embedded: list[bytes] = []

    async def model(self) -> ModelInfo:
        """The fake model."""
        return self.info

    async def embed_image(self, content: bytes) -> ImageVector:
        """A vector and a made-up size."""
        if content.startswith(b"bad"):
            raise UnsupportedMedia("the content is not a JPEG, PNG or WebP image")
        self.embedded.append(content)
        return ImageVector(unit(content), 640, 480, "image/jpeg", self.info)

    async def embed_text(self, text: str) -> tuple[Vector, ModelInfo]:
        """A vector of the text's bytes: an image of equal bytes is its nearest."""
        return unit(text.encode()), self.info


def _accepted(accept: Filter, item: Item) -> bool:
    after, before = accept.created_after, accept.created_before
    return all(
        (
            item.width >= accept.min_width,
            item.height >= accept.min_height,
            not accept.content_types or item.content_type in accept.content_types,
            after is None or item.created_at >= after,
            before is None or item.created_at < before,
        )
    )
