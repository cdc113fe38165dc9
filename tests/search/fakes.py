"""In-memory stand-ins that pass the contracts of the real ones."""

import hashlib
from collections.abc import AsyncIterator, Sequence

import numpy as np

from facetkit.errors import Conflict, NotFound, Unavailable, UnsupportedMedia
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
MAX_ROWS = 1000


def unit(content: bytes, dimensions: int = MODEL.dimensions) -> Vector:
    """A unit vector that depends on the content alone."""
    seed = int.from_bytes(hashlib.sha256(content).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(dimensions).astype(np.float32)
    made: Vector = vector / np.linalg.norm(vector)
    return made


class MemoryVectorStore:
    """Rows in a dict. `away` makes it unreachable; `lose_answers` writes, then fails.

    `kept` are the rows of each collection, for stores that share them.
    """

    def __init__(self, kept: dict[str, dict[str, Row]] | None = None) -> None:
        self._kept = {} if kept is None else kept
        self._rows: dict[str, Row] = {}
        self._collection = ""
        self.away = False
        self.lose_answers = False

    async def open(self, model: ModelInfo) -> None:
        """Opens the model's rows."""
        self._reach()
        self._collection = collection_of(model)
        self._rows = self._kept.setdefault(self._collection, {})

    async def upsert(self, rows: Sequence[Row]) -> None:
        """Writes the rows."""
        assert len(rows) <= MAX_ROWS
        self._reach()
        self._rows |= {row.item.id: row for row in rows}
        self._answer()

    async def delete(self, item_ids: Sequence[str]) -> None:
        """Removes rows, those that are there."""
        assert len(item_ids) <= MAX_ROWS
        self._reach()
        for item_id in item_ids:
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
        return Statistics(self._collection, len(self._rows), 0, "store")

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


class MemoryCollections:
    """Rows of each collection in a dict. `away` makes all of it unreachable."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Row]] = {}
        self._stores: list[MemoryVectorStore] = []
        self._active = ""
        self._away = False

    @property
    def away(self) -> bool:
        """Whether it cannot be reached; for its stores too."""
        return self._away

    @away.setter
    def away(self, away: bool) -> None:
        self._away = away
        for store in self._stores:
            store.away = away

    def name(self, model: ModelInfo) -> str:
        """The collection of a model."""
        return collection_of(model)

    def store(self) -> MemoryVectorStore:
        """A store that is not open yet."""
        store = MemoryVectorStore(self.kept)
        store.away = self._away
        self._stores.append(store)
        return store

    async def active(self) -> str:
        """The collection that answers."""
        self._reach()
        return self._active

    async def switch(self, collection: str) -> None:
        """Lets `collection` answer."""
        self._reach()
        if collection not in self.kept:
            raise NotFound(f"there is no collection '{collection}'")
        self._active = collection

    async def drop(self, collection: str) -> None:
        """Removes a collection. Raises Conflict for the active one."""
        self._reach()
        if collection == self._active:
            raise Conflict(f"the collection '{collection}' answers searches")
        self.kept.pop(collection, None)

    def _reach(self) -> None:
        if self._away:
            raise Unavailable("the vector store cannot be reached")


def collection_of(model: ModelInfo) -> str:
    """The collection of a model."""
    return f"images_{model.name}_{model.model_set}_{model.version}"


class FakeEmbedder:
    """Vectors from content hashes. Contents that begin with `bad` are not images.

    `embedded` are the contents, `in_bulk` those of them that came in bulk.
    """

    def __init__(self, model: ModelInfo = MODEL) -> None:
        self.info = model
        self.embedded: list[bytes] = []
        self.in_bulk: list[bytes] = []

    async def model(self) -> ModelInfo:
        """The fake model."""
        return self.info

    async def embed_image(self, content: bytes, *, bulk: bool = False) -> ImageVector:
        """A vector and a made-up size."""
        if content.startswith(b"bad"):
            raise UnsupportedMedia("the content is not a JPEG, PNG or WebP image")
        self.embedded.append(content)
        if bulk:
            self.in_bulk.append(content)
        vector = unit(content, self.info.dimensions)
        return ImageVector(vector, 640, 480, "image/jpeg", self.info)

    async def embed_text(self, text: str) -> tuple[Vector, ModelInfo]:
        """A vector of the text's bytes: an image of equal bytes is its nearest."""
        return unit(text.encode(), self.info.dimensions), self.info


def _accepted(accept: Filter, item: Item) -> bool:
    after, before = accept.created_after, accept.created_before
    return all(
        (
            item.width >= accept.min_width,
            item.height >= accept.min_height,
            not accept.content_types or item.content_type in accept.content_types,
            after is None or item.created_at >= after,
            before is None or item.created_at < before,
            item.size_bytes >= accept.min_size_bytes,
            not accept.max_size_bytes or item.size_bytes <= accept.max_size_bytes,
            item.key.startswith(accept.prefix) or item.id in accept.prefix_ids,
        )
    )
