"""The object store in a folder, shared by the processes of one host or one volume."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path
from weakref import WeakValueDictionary

from facetkit.errors import AlreadyExists, Conflict, NotReady, Unavailable
from facetkit.local_files import Placement, info_of, is_real
from facetkit.local_listing import FolderListing
from facetkit.local_reading import head, read, read_range
from facetkit.objects import PAGE_SIZE, ObjectInfo, ObjectPart, StoredObject, check_key

_FULL = {errno.ENOSPC, errno.EDQUOT}


class LocalObjectStore:
    """An ObjectStore whose keys are the paths of files below `root`.

    Nothing is read, listed or written through a symbolic link below `root`; `root` itself may
    be one. `ready` makes the folder. Conditions hold among all processes that write by this class
    and lock by the same file system: those of one host, and of several where its flock spans them.
    """

    def __init__(self, root: Path, page_size: int = PAGE_SIZE) -> None:
        self._root = Path(os.path.realpath(root))
        self._placement = Placement(self._root)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
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
        path = self._path(key)
        async with self._lock(key):
            return await asyncio.to_thread(self._put, key, path, content, if_absent, if_match)

    async def get(self, key: str, *, max_bytes: int | None = None) -> StoredObject:
        """As ObjectStore.get."""
        return await asyncio.to_thread(read, key, self._path(key), max_bytes)

    async def get_range(self, key: str, *, start: int, length: int) -> ObjectPart:
        """As ObjectStore.get_range."""
        return await asyncio.to_thread(read_range, key, self._path(key), start, length)

    async def head(self, key: str) -> ObjectInfo:
        """As ObjectStore.head."""
        return await asyncio.to_thread(head, key, self._path(key))

    async def delete(self, key: str) -> bool:
        """As ObjectStore.delete."""
        path = self._path(key)
        async with self._lock(key):
            return await asyncio.to_thread(self._delete, path)

    async def pages(self, prefix: str = "", *, after: str = "") -> AsyncIterator[list[ObjectInfo]]:
        """As ObjectStore.pages; names that are no keys do not appear."""
        found = iter(FolderListing(self._root, prefix, after))
        while page := await asyncio.to_thread(_next_page, found, self._page_size):
            yield page

    def url(self, key: str, *, expires_s: int) -> str | None:
        """None."""
        check_key(key)
        return None

    async def ready(self) -> None:
        """As ObjectStore.ready; also sweeps what killed writers left behind."""
        try:
            await asyncio.to_thread(self._placement.prepare)
        except OSError as error:
            raise NotReady(f"the object folder cannot be used: {error.strerror}") from error

    async def close(self) -> None:
        """Nothing is open."""

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _lock(self, key: str) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())

    def _put(
        self, key: str, path: Path, content: bytes, if_absent: bool, if_match: str | None
    ) -> ObjectInfo:
        there = is_real(path)
        if there and if_absent:
            raise AlreadyExists(f"there is an object '{key}' already")
        if not there and if_match is not None:
            raise Conflict(f"the object '{key}' is gone")
        try:
            placed = self._placement.place(path, content, if_absent=if_absent, if_match=if_match)
        except FileExistsError as error:
            raise AlreadyExists(f"there is an object '{key}' already") from error
        except OSError as error:
            raise _unwritable(error) from error
        return info_of(key, placed)

    def _delete(self, path: Path) -> bool:
        try:
            return self._placement.remove(path)
        except OSError as error:
            raise _unwritable(error) from error


def _unwritable(error: OSError) -> Unavailable:
    reason = "is full" if error.errno in _FULL else "cannot be written"
    return Unavailable(f"the object store {reason}")


def _next_page(found: Iterator[ObjectInfo], size: int) -> list[ObjectInfo]:
    try:
        return list(islice(found, size))
    except OSError as error:
        raise Unavailable("the object store cannot be listed") from error
