"""An object store in memory, which passes the same contract as the lasting ones."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from pathlib import PurePosixPath

from facetkit.errors import AlreadyExists, Conflict, NotFound
from facetkit.objects import (
    PAGE_SIZE,
    ObjectInfo,
    ObjectPart,
    StoredObject,
    check_key,
    check_range,
    check_size,
    content_type_of,
)


class MemoryObjectStore:
    """Objects of one process, gone with it: for tests."""

    def __init__(self, page_size: int = PAGE_SIZE) -> None:
        self._objects: dict[str, StoredObject] = {}
        self._versions = count(1)
        self._page_size = page_size

    async def put(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> ObjectInfo:
        """As ObjectStore.put."""
        known = self._objects.get(check_key(key))
        if known and if_absent:
            raise AlreadyExists(f"there is an object '{key}' already")
        if if_match is not None and (known is None or known.info.etag != if_match):
            raise Conflict(f"the object '{key}' has changed")
        self._refuse_overlap(key)
        etag = f"{next(self._versions):x}"
        info = ObjectInfo(key, len(content), etag, datetime.now(UTC), content_type_of(key))
        self._objects[key] = StoredObject(info, bytes(content))
        return info

    async def get(self, key: str, *, max_bytes: int | None = None) -> StoredObject:
        """As ObjectStore.get."""
        if check_key(key) not in self._objects:
            raise NotFound(f"there is no object '{key}'")
        check_size(self._objects[key].info, max_bytes)
        return self._objects[key]

    async def get_range(self, key: str, *, start: int, length: int) -> ObjectPart:
        """As ObjectStore.get_range."""
        stored = await self.get(key)
        check_range(start, length, stored.info.size)
        return ObjectPart(stored.info, start, stored.content[start : start + length])

    async def head(self, key: str) -> ObjectInfo:
        """As ObjectStore.head."""
        return (await self.get(key)).info

    async def delete(self, key: str) -> bool:
        """As ObjectStore.delete."""
        return self._objects.pop(check_key(key), None) is not None

    async def pages(self, prefix: str = "", *, after: str = "") -> AsyncIterator[list[ObjectInfo]]:
        """As ObjectStore.pages; objects written meanwhile do not appear."""
        keys = sorted(key for key in self._objects if key.startswith(prefix) and key > after)
        for start in range(0, len(keys), self._page_size):
            found = map(self._objects.get, keys[start : start + self._page_size])
            if page := [stored.info for stored in found if stored]:
                yield page

    def url(self, key: str, *, expires_s: int) -> str | None:
        """None."""
        check_key(key)
        return None

    async def ready(self) -> None:
        """Always ready."""

    async def close(self) -> None:
        """Nothing is open."""

    def _refuse_overlap(self, key: str) -> None:
        above = {str(parent) for parent in PurePosixPath(key).parents}
        if any(other in above or other.startswith(f"{key}/") for other in self._objects):
            raise Conflict(f"another object is in the way of '{key}'")
