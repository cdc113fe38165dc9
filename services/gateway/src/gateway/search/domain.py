"""What the gateway asks of search, and what comes back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Tier = Literal["bytes", "picture", "near"]
"""How alike two images are; each tier includes those before it."""


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image in the store: width and height in pixels, upright."""

    id: str
    key: str
    content_type: str
    size_bytes: int
    width: int
    height: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Similar:
    """An image that shows the same as another; `score` is the cosine, -1 to 1."""

    image: StoredImage
    tier: Tier
    score: float
    same_pixels: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """What came of storing; `duplicate` when the same bytes were there."""

    image: StoredImage
    duplicate: bool
    similar: Sequence[Similar]
    model: str
    model_set: str


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Images that show the same as `representative`, most alike first."""

    representative: StoredImage
    members: Sequence[Similar]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """A page of `total` groups."""

    groups: Sequence[DuplicateGroup]
    total: int


@dataclass(frozen=True, slots=True)
class Filter:
    """What a hit must satisfy; None, () and "" do not restrict. Instants carry a time zone."""

    min_width: int | None = None
    min_height: int | None = None
    content_types: tuple[str, ...] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    prefix: str = ""
    min_size_bytes: int | None = None
    max_size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A found image; `score` is the cosine, -1 to 1."""

    image: StoredImage
    score: float


@dataclass(frozen=True, slots=True)
class Page:
    """Hits, best first, of `total` images that satisfy the filter."""

    hits: list[Hit]
    total: int
    model: str
    model_set: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts and identity of the index; see search.proto. `building` is None where none is."""

    images: int
    matrix_images: int
    collection: str
    model: str
    model_version: str
    model_set: str
    dimensions: int
    index: str
    keys: int
    broken_keys: int
    building: str | None
    built: int
