"""What every object store is: its Protocol, its types and the rules for keys."""

import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Protocol

from facetkit.errors import InvalidInput

RESERVED_SEGMENTS = frozenset(
    {"gen_images", "excel_files", "bundles", "trash", "photobooth", "templates"}
)
"""Path segments whose objects synchronisation never indexes."""

PUBLIC_PREFIXES = frozenset({"images", "gen_images", "excel_files", "bundles"})
"""First segments whose objects are readable by whoever knows the key."""

MAX_KEY_BYTES = 1024
MAX_SEGMENT_BYTES = 255
INTERNAL_PREFIX = ".facet-"
"""How the names begin that stores keep for their own files."""

_CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".zip": "application/zip",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
    ".json": "application/json",
    ".pdf": "application/pdf",
}


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store knows of an object: `size` in bytes, `etag` without quotes, `modified` in UTC.

    The etag changes whenever the object is written again.
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


class ObjectStore(Protocol):
    """Whole objects under keys. Every method given a bad key raises InvalidInput (`check_key`).

    A key and another that goes on below it (`a/b`, `a/b/c`) cannot exist at once.
    """

    async def put(
        self, key: str, content: bytes, *, content_type: str, if_absent: bool = False
    ) -> ObjectInfo:
        """Writes the whole object or nothing, durably.

        `content_type` must be the one of the key's extension; a store that keeps no types
        answers with `content_type_of(key)`.
        Raises AlreadyExists if it is there and `if_absent` (of any number of racing writers
        exactly one succeeds), Conflict when another key is in the way, Unavailable when full.
        """
        ...

    async def get(self, key: str) -> StoredObject:
        """The object. Raises NotFound."""
        ...

    async def head(self, key: str) -> ObjectInfo:
        """What is known of the object, without reading it. Raises NotFound."""
        ...

    async def delete(self, key: str) -> bool:
        """Removes the object; answers whether it was there."""
        ...

    def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """The objects whose keys start with `prefix`, in the order of their keys.

        A prefix that no key can have lists nothing.
        """
        ...

    async def ready(self) -> None:
        """Raises NotReady with the reason when the store cannot be used."""
        ...


def check_key(key: str) -> str:
    """`key` itself. Raises InvalidInput for a key that no store accepts.

    Refused: empty or over 1024 bytes of UTF-8, absolute, with a backslash or a control
    character, with a segment that is empty, `.`, `..`, over 255 bytes or reserved by the store.
    """
    reason = _key_fault(key) or next(filter(None, map(_segment_fault, key.split("/"))), None)
    if reason:
        raise InvalidInput(f"'key' {reason}", fields={"key": reason})
    return key


def content_type_of(key: str) -> str:
    """The content type of the key's extension; `application/octet-stream` for an unknown one."""
    return _CONTENT_TYPES.get(PurePosixPath(key).suffix.lower(), "application/octet-stream")


def _key_fault(key: str) -> str | None:
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "is not valid text"
    if not key:
        return "is empty"
    if size > MAX_KEY_BYTES:
        return f"is longer than {MAX_KEY_BYTES} bytes"
    if key.startswith("/"):
        return "is absolute"
    if "\\" in key or any(unicodedata.category(char) == "Cc" for char in key):
        return "has a backslash or a control character"
    return None


def _segment_fault(segment: str) -> str | None:
    if segment in {"", ".", ".."}:
        return "has a segment that is empty, '.' or '..'"
    if len(segment.encode()) > MAX_SEGMENT_BYTES:
        return f"has a segment longer than {MAX_SEGMENT_BYTES} bytes"
    if segment.lower().startswith(INTERNAL_PREFIX):
        return f"has a segment that starts with '{INTERNAL_PREFIX}'"
    return None
