"""What search speaks of: items, vectors, hits, and who keeps and makes them."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from facetkit.errors import NotFound

Vector = npt.NDArray[np.float32]
"""A unit vector."""

MAX_WINDOW = 16_384
"""Largest offset + top_k: the bound of every Milvus server."""

_ORIGINAL = re.compile(r"images/([0-9a-f]{64})\.(?:jpg|png|webp)")
_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Identity of the embedding model; vectors compare only where it is equal."""

    name: str
    version: str
    model_set: str
    dimensions: int


@dataclass(frozen=True, slots=True)
class Item:
    """A stored image: `id` is the SHA-256 of its bytes, sizes in bytes and pixels."""

    id: str
    key: str
    content_type: str
    size_bytes: int
    width: int
    height: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """An item with its unit vector."""

    item: Item
    vector: Vector


@dataclass(frozen=True, slots=True)
class Hit:
    """A found item; `score` is the cosine."""

    item: Item
    score: float


@dataclass(frozen=True, slots=True)
class Filter:
    """What a hit must satisfy; defaults do not restrict.

    `prefix` is how the item's key begins; `prefix_ids` are items that satisfy it by another key.
    `max_size_bytes` of 0 is no bound.
    """

    min_width: int = 0
    min_height: int = 0
    content_types: tuple[str, ...] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    min_size_bytes: int = 0
    max_size_bytes: int = 0
    prefix: str = ""
    prefix_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells an image's picture from others without a model.

    `pixels` is the SHA-256 of its upright RGB pixels, in hex; `perceptual` stays close where the
    picture is saved anew, and compares by `search.duplicates`.
    """

    pixels: str
    perceptual: bytes


class Tier(IntEnum):
    """How alike two images are; each tier includes those before it."""

    BYTES = 1
    PICTURE = 2
    NEAR = 3


@dataclass(frozen=True, slots=True)
class Similar:
    """An item that shows the same as another one; `score` is the cosine."""

    item: Item
    tier: Tier
    score: float
    same_pixels: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Which hits of all: `top_k` after the first `offset`."""

    top_k: int = 5
    offset: int = 0

    @property
    def window(self) -> int:
        """How many best hits must be known to cut this page from them."""
        return self.offset + self.top_k


@dataclass(frozen=True, slots=True)
class ImageVector:
    """What vision-models tells of an image."""

    vector: Vector
    width: int
    height: int
    content_type: str
    model: ModelInfo


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of the index: rows in the store and, where there is one, in the matrix."""

    collection: str
    stored: int
    in_matrix: int
    index: str


@dataclass(frozen=True, slots=True)
class Found:
    """One page of hits, best first, and how many items satisfy the filter."""

    hits: list[Hit] = field(default_factory=list)
    total: int = 0


class Embedder(Protocol):
    """vision-models as search sees it."""

    async def model(self) -> ModelInfo:
        """The model that answers. Raises NotReady or Unavailable."""

    async def embed_image(self, content: bytes, *, bulk: bool = False) -> ImageVector:
        """The vector of one encoded image. Raises InvalidInput and its kin.

        In bulk it fills only what interactive calls leave, and waits instead of being refused.
        """

    async def embed_text(self, text: str) -> tuple[Vector, ModelInfo]:
        """The vector of one text."""


class Fingerprinter(Protocol):
    """Takes fingerprints, off the event loop."""

    async def fingerprint(self, content: bytes) -> Fingerprint:
        """The fingerprint of one encoded image. Raises InvalidInput and its kin."""


class VectorStore(Protocol):
    """Rows of one collection by id; acknowledged rows survive.

    Raises Unavailable while it cannot be reached.
    """

    async def open(self, model: ModelInfo) -> None:
        """Opens the collection of this model, made where it is missing."""

    async def upsert(self, rows: Sequence[Row]) -> None:
        """Writes at most 1,000 rows of distinct ids, replacing those that exist."""

    async def delete(self, item_ids: Sequence[str]) -> None:
        """Removes at most 1,000 rows, those that are there."""

    async def get(self, item_id: str) -> Row | None:
        """The row of an id."""

    async def search(self, vector: Vector, page: Page, accept: Filter) -> Found:
        """The nearest rows by cosine."""

    def rows(self) -> AsyncIterator[list[Row]]:
        """All rows, in batches."""

    async def statistics(self) -> Statistics:
        """Counts as they are now."""

    async def ping(self) -> None:
        """Returns while rows can be written."""

    async def close(self) -> None:
        """Lets go of connections."""


class Collections(Protocol):
    """The collections of all models, and which one answers. Raises Unavailable."""

    def name(self, model: ModelInfo) -> str:
        """The collection of a model; another model has another one."""

    def store(self) -> VectorStore:
        """A store that is not open yet."""

    async def active(self) -> str:
        """The collection that answers searches; empty while there is none."""

    async def switch(self, collection: str) -> None:
        """Lets `collection`, which exists, answer from now on, all at once."""

    async def drop(self, collection: str) -> None:
        """Removes a collection, if it is there. Raises Conflict for the active one."""


def key_of(item_id: str, content_type: str) -> str:
    """Where the original with this SHA-256 is kept."""
    return f"images/{item_id}.{_EXTENSIONS[content_type]}"


def is_original(key: str) -> bool:
    """Whether the key is one under which search itself stores an image."""
    return _ORIGINAL.fullmatch(key) is not None


def id_of(key: str) -> str:
    """The SHA-256 that an original's key names. Raises NotFound for any other key."""
    match = _ORIGINAL.fullmatch(key)
    if match is None:
        raise NotFound(f"no image is stored under '{key[:200]}'", fields={"key": "is not stored"})
    return match[1]
