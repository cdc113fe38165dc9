"""An object store in memory, which passes the same contract as the lasting ones."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from pathlib import PurePosixPath

from facetkit.errors import AlreadyExists, Conflict, NotFound
from facetkit.objects import ObjectInfo, StoredObject, check_key, content_type_of


class MemoryObjectStore:
    """Objects of one process, gone with it: for tests."""

    def __init__(self) -> None:
        self._objects: dict[str, StoredObject] = {}
        self._versions = count(1)

    async def put(
        self, key: str, content: bytes, *, content_type: str, if_absent: bool = False
    ) -> ObjectInfo:
        """As ObjectStore.put."""
        if check_key(key) in self._objects and if_absent:
            raise AlreadyExists(f"there is an object '{key}' already")
        self._refuse_overlap(key)
        etag = f"{next(self._versions):x}"
        info = ObjectInfo(key, len(content), etag, datetime.now(UTC), content_type_of(key))
        self._objects[key] = StoredObject(info, bytes(content))
        return info

    async def get(self, key: str) -> StoredObject:
        """As ObjectStore.get."""
        if check_key(key) not in self._objects:
            raise NotFound(f"there is no object '{key}'")
        return self._objects[key]

    async def head(self, key: str) -> ObjectInfo:
        """As ObjectStore.head."""
        return (await self.get(key)).info

    async def delete(self, key: str) -> bool:
        """As ObjectStore.delete."""
        return self._objects.pop(check_key(key), None) is not None

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """As ObjectStore.list; objects written meanwhile do not appear."""
        for key in sorted(key for key in self._objects if key.startswith(prefix)):
            if stored := self._objects.get(key):
                yield stored.info

    async def ready(self) -> None:
        """Always ready."""

    def _refuse_overlap(self, key: str) -> None:
        above = {str(parent) for parent in PurePosixPath(key).parents}
        if any(other in above or other.startswith(f"{key}/") for other in self._objects):
            raise Conflict(f"another object is in the way of '{key}'")
