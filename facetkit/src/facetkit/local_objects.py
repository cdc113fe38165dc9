"""The object store in a folder, shared by the processes of one host or one volume."""

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path
from weakref import WeakValueDictionary

from facetkit.errors import AlreadyExists, InvalidInput, NotFound, NotReady, Unavailable
from facetkit.local_files import Placement, info_of, is_real, open_object, remove_empty_folders
from facetkit.objects import INTERNAL_PREFIX, ObjectInfo, StoredObject, check_key

_LIST_BATCH = 500
_FULL = {errno.ENOSPC, errno.EDQUOT}


class LocalObjectStore:
    """An ObjectStore whose keys are the paths of files below `root`.

    Nothing is read, listed or written through a symbolic link below `root`; `root` itself may
    be one. `ready` makes the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = Path(os.path.realpath(root))
        self._placement = Placement(self._root)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def put(
        self, key: str, content: bytes, *, content_type: str, if_absent: bool = False
    ) -> ObjectInfo:
        """As ObjectStore.put."""
        path = self._path(key)
        async with self._lock(key):
            return await asyncio.to_thread(self._put, key, path, content, if_absent)

    async def get(self, key: str) -> StoredObject:
        """As ObjectStore.get."""
        return await asyncio.to_thread(_read, key, self._path(key))

    async def head(self, key: str) -> ObjectInfo:
        """As ObjectStore.head."""
        return await asyncio.to_thread(_head, key, self._path(key))

    async def delete(self, key: str) -> bool:
        """As ObjectStore.delete."""
        path = self._path(key)
        async with self._lock(key):
            return await asyncio.to_thread(self._delete, path)

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """As ObjectStore.list; objects written meanwhile may or may not appear."""
        found = self._walk(prefix.rpartition("/")[0], prefix)
        while batch := await asyncio.to_thread(lambda: [*islice(found, _LIST_BATCH)]):
            for info in batch:
                yield info

    async def ready(self) -> None:
        """As ObjectStore.ready; also sweeps what killed writers left behind."""
        try:
            await asyncio.to_thread(self._placement.prepare)
        except OSError as error:
            raise NotReady(f"the object folder cannot be used: {error.strerror}") from error

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _lock(self, key: str) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())

    def _put(self, key: str, path: Path, content: bytes, if_absent: bool) -> ObjectInfo:
        if if_absent and is_real(path):
            raise AlreadyExists(f"there is an object '{key}' already")
        try:
            return info_of(key, self._placement.place(path, content, if_absent=if_absent))
        except FileExistsError as error:
            raise AlreadyExists(f"there is an object '{key}' already") from error
        except OSError as error:
            reason = "is full" if error.errno in _FULL else "cannot be written"
            raise Unavailable(f"the object store {reason}") from error

    def _delete(self, path: Path) -> bool:
        if not is_real(path):
            return False
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        remove_empty_folders(path.parent, self._root)
        return True

    def _walk(self, folder_key: str, prefix: str) -> Iterator[ObjectInfo]:
        for name, is_folder in _entries(self._root, folder_key):
            key = f"{folder_key}/{name}" if folder_key else name
            if is_folder and f"{key}/".startswith(prefix):
                yield from self._walk(key, prefix)
            elif not is_folder and key.startswith(prefix) and _is_key(key):
                try:
                    yield _head(key, self._root / key)
                except NotFound:
                    continue


def _entries(root: Path, folder_key: str) -> list[tuple[str, bool]]:
    """Names with whether they are folders, such that a depth-first walk meets keys in order."""
    folder = root / folder_key
    if folder_key and (not _is_key(folder_key) or os.path.realpath(folder) != str(folder)):
        return []
    try:
        with os.scandir(folder) as entries:
            found = [(e.name, e.is_dir(follow_symlinks=False)) for e in entries]
    except (FileNotFoundError, NotADirectoryError):
        return []
    mine = (e for e in found if not e[0].startswith(INTERNAL_PREFIX))
    return sorted(mine, key=lambda entry: entry[0] + "/" * entry[1])


def _is_key(name: str) -> bool:
    try:
        check_key(name)
    except InvalidInput:
        return False
    return True


def _head(key: str, path: Path) -> ObjectInfo:
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        status = None
    if status is None or not stat.S_ISREG(status.st_mode) or not is_real(path):
        raise NotFound(f"there is no object '{key}'")
    return info_of(key, status)


def _read(key: str, path: Path) -> StoredObject:
    try:
        with open_object(path) as file:
            return StoredObject(info_of(key, os.fstat(file.fileno())), file.read())
    except FileNotFoundError as error:
        raise NotFound(f"there is no object '{key}'") from error
