"""What every object store is: its Protocol and its types; and the rules for keys."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from facetkit.errors import InvalidInput, TooLarge
from facetkit.object_keys import (
    INTERNAL_PREFIX,
    MAX_KEY_BYTES,
    PUBLIC_PREFIXES,
    RESERVED_SEGMENTS,
    check_key,
    content_type_of,
    is_indexed,
)

__all__ = [
    "INTERNAL_PREFIX",
    "MAX_KEY_BYTES",
    "PAGE_SIZE",
    "PUBLIC_PREFIXES",
    "RESERVED_SEGMENTS",
    "ObjectInfo",
    "ObjectPart",
    "ObjectStore",
    "StoredObject",
    "check_key",
    "check_range",
    "check_size",
    "content_type_of",
    "is_indexed",
]

PAGE_SIZE = 1000
"""How many objects a page of a listing has at most."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store knows of an object: `size` in bytes, `etag` without quotes, `modified` in UTC.

    The etag is opaque and changes whenever the content does.
    """

    key: str
    size: int
    etag: str
    modified: datetime
    content_type: str


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it was at one moment: `info` belongs to exactly these bytes."""

    info: ObjectInfo
    content: bytes


@dataclass(frozen=True, slots=True)
class ObjectPart:
    """Bytes of an object from `start` on, as it was at one moment; `info` is the whole object's."""

    info: ObjectInfo
    start: int
    content: bytes


class ObjectStore(Protocol):
    """Whole objects under keys. Every method given a bad key raises InvalidInput (`check_key`).

    Every method raises Unavailable, NotReady or Upstream when the store fails. A store of files may
    refuse a key below another one (`a/b`, `a/b/c`) with Conflict.
    """

    async def put(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> ObjectInfo:
        """Writes the whole object or nothing, durably.

        `content_type` must be the one of the key's extension; a store that keeps no types
        answers with `content_type_of(key)`. At most one condition may be given.
        Raises AlreadyExists if it is there and `if_absent` (of any number of racing writers
        exactly one succeeds), Conflict if it is not the version with the etag `if_match` (another
        one, or gone) or when another key is in the way, Unavailable when full.
        """
        ...

    async def get(self, key: str, *, max_bytes: int | None = None) -> StoredObject:
        """The object. Raises NotFound, and TooLarge over `max_bytes` without reading it."""
        ...

    async def get_range(self, key: str, *, start: int, length: int) -> ObjectPart:
        """At most `length` bytes from `start` on, fewer where the object ends before.

        Raises NotFound, and InvalidInput when `start` is negative or not before the object's end,
        or `length` is less than 1.
        """
        ...

    async def head(self, key: str) -> ObjectInfo:
        """What is known of the object, without reading it. Raises NotFound."""
        ...

    async def delete(self, key: str) -> bool:
        """Removes the object; answers whether it was there."""
        ...

    def pages(self, prefix: str = "", *, after: str = "") -> AsyncIterator[list[ObjectInfo]]:
        """The objects whose keys start with `prefix` and come after `after`, in order of the keys.

        Keys are ordered by their UTF-8 bytes, as by Python; no page is empty or longer than
        PAGE_SIZE. What is written meanwhile may or may not appear. A listing that ends was whole:
        any failure raises. A prefix that no key can have lists nothing. Where others write to the
        store as well, keys may appear that `check_key` refuses; those that end in "/" are left
        out. Content types are those of the keys.
        """
        ...

    def url(self, key: str, *, expires_s: int) -> str | None:
        """Where callers can read the object for `expires_s` seconds; None if only from us.

        The object need not exist.
        """
        ...

    async def ready(self) -> None:
        """Raises NotReady with the reason when the store cannot be used."""
        ...

    async def close(self) -> None:
        """Lets go of connections; nothing else may be called afterwards."""
        ...


def check_range(start: int, length: int, size: int | None = None) -> None:
    """Raises InvalidInput for a range that get_range refuses; `size` is the object's, if known."""
    if start < 0 or length < 1:
        raise InvalidInput("a range starts at 0 or later and has at least 1 byte")
    if size is not None and start >= size:
        raise InvalidInput(f"the range starts at {start}, but the object has {size} bytes")


def check_size(info: ObjectInfo, max_bytes: int | None) -> None:
    """Raises TooLarge for an object over `max_bytes`."""
    if max_bytes is not None and info.size > max_bytes:
        raise TooLarge(f"the object '{info.key}' is larger than {max_bytes} bytes")
