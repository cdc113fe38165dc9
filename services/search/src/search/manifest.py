"""What search knows of the object store: which object has which bytes, and what they show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from search.domain import Fingerprint, Item, ModelInfo
from search.duplicates import Pair


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as it was read; `image_id` is empty where its content cannot be indexed.

    `code` and `error` then say why.
    """

    key: str
    etag: str
    size_bytes: int
    image_id: str = ""
    code: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """An item with its fingerprint, which is None where it was never taken."""

    item: Item
    fingerprint: Fingerprint | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many keys are known, how many of them cannot be indexed, and how many images."""

    keys: int
    broken_keys: int
    images: int


class Manifest(Protocol):
    """Objects and images. Each method is one transaction; raises Unavailable."""

    async def known(self, after: str, last: str | None) -> dict[str, tuple[str, int]]:
        """Etag and size of each key in (after, last]; without `last`, to the end."""

    async def entry(self, key: str) -> Entry | None:
        """What is known of a key."""

    async def keys_of(self, image_ids: Sequence[str]) -> dict[str, list[str]]:
        """The keys with the bytes of each image, in order."""

    async def images(self, image_ids: Sequence[str]) -> dict[str, Image]:
        """The images that are known."""

    async def with_pixels(self, pixels: Sequence[str]) -> dict[str, list[str]]:
        """The images with each of these pixels, as Fingerprint has them."""

    async def with_other_key(self, prefix: str) -> dict[str, str]:
        """Images of which only another key than the item's begins so, with that key."""

    async def record(
        self,
        entries: Sequence[Entry],
        images: Sequence[Image],
        held: Mapping[str, Sequence[str]],
    ) -> list[str]:
        """Writes down objects, new images, and which images came into which collection.

        Answers the images that one of these keys led to before and does not now.
        """

    async def remove_keys(self, keys: Sequence[str]) -> list[str]:
        """Forgets objects; answers the images that they led to."""

    async def name_by(self, image_id: str, key: str) -> None:
        """Lets the image's item have this key."""

    async def forget_image(self, image_id: str) -> None:
        """Removes an image with its pairs and its places in collections."""

    async def misnamed(self, after: str, limit: int) -> list[str]:
        """Images whose item's key does not lead to them, in the order of their ids."""

    async def counts(self) -> Counts:
        """All counts."""


class MissingKeys(Protocol):
    """Known keys that a listing did not have."""

    async def mark(self, keys: Sequence[str], job_id: str) -> None:
        """Marks keys."""

    async def unmark(self, keys: Sequence[str]) -> None:
        """Takes marks off."""

    async def unmark_all(self) -> None:
        """Takes off the marks of listings that were broken off."""

    async def page(self, job_id: str, after: str, limit: int) -> list[str]:
        """Keys that a job has marked, in order."""

    async def count(self, job_id: str) -> int:
        """How many keys a job has marked."""


class Holdings(Protocol):
    """Which images are in which collection, that is, embedded by which model."""

    async def lacking(self, collection: str, after: str, limit: int) -> list[Image]:
        """Images that a collection lacks, in the order of their ids."""

    async def count(self, collection: str) -> int:
        """How many images a collection has."""

    async def ids(self, collection: str) -> set[str]:
        """The images of a collection."""

    async def change(self, collection: str, added: Sequence[str], removed: Sequence[str]) -> None:
        """Writes down what came into a collection, and what it turned out to lack."""

    async def of(self, image_ids: Sequence[str]) -> dict[str, set[str]]:
        """The collections that have each image."""

    async def remember(self, collection: str, model: ModelInfo) -> None:
        """Writes down whose vectors a collection has."""

    async def models(self) -> dict[str, ModelInfo]:
        """Whose vectors each collection has, oldest first."""

    async def forget(self, collection: str) -> None:
        """Forgets a collection and its pairs."""


class PairStore(Protocol):
    """Pairs of images that show the same, by the vectors of one collection."""

    async def add(self, collection: str, pairs: Sequence[Pair]) -> None:
        """Adds pairs, replacing those of equal images."""

    async def of(self, collection: str, image_id: str) -> list[Pair]:
        """The pairs of one image."""

    async def all(self, collection: str) -> list[Pair]:
        """All pairs."""

    async def shared(self) -> list[str]:
        """The images that several keys lead to."""
