"""Reading the files of a local store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from facetkit.errors import NotFound, Unavailable
from facetkit.local_files import info_of, is_real
from facetkit.objects import ObjectInfo, ObjectPart, StoredObject, check_range, check_size


def head(key: str, path: Path) -> ObjectInfo:
    """As ObjectStore.head."""
    with _reading(key, path):
        return info_of(key, os.lstat(path))


def read(key: str, path: Path, max_bytes: int | None) -> StoredObject:
    """As ObjectStore.get."""
    with _reading(key, path), _opened(path) as file:
        info = info_of(key, os.fstat(file.fileno()))
        check_size(info, max_bytes)
        return StoredObject(info, file.read())


def read_range(key: str, path: Path, start: int, length: int) -> ObjectPart:
    """As ObjectStore.get_range."""
    with _reading(key, path), _opened(path) as file:
        info = info_of(key, os.fstat(file.fileno()))
        check_range(start, length, info.size)
        file.seek(start)
        return ObjectPart(info, start, file.read(length))


@contextmanager
def _reading(key: str, path: Path) -> Iterator[None]:
    try:
        if not is_real(path):
            raise FileNotFoundError
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"there is no object '{key}'") from error
    except OSError as error:
        raise Unavailable("the object store cannot be read") from error


def _opened(path: Path) -> BinaryIO:
    return open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
