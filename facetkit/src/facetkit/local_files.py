"""Files that appear whole or not at all, and are never reached through a symbolic link."""

import fcntl
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from facetkit.errors import Conflict
from facetkit.local_folders import (
    is_direct,
    make_folders,
    remove_empty_folders,
    remove_obstacle,
    sync_folder,
)
from facetkit.objects import INTERNAL_PREFIX, ObjectInfo, content_type_of

STALE_AFTER_S = 3600
_ATTEMPTS = 16


class Placement:
    """Puts files below `root` by way of temporary files in a folder of its own there."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._temporary = root / f"{INTERNAL_PREFIX}tmp"
        self._lock = root / f"{INTERNAL_PREFIX}lock"

    def prepare(self) -> None:
        """Makes the folder, proves that it can be used and removes stale temporary files.

        Raises OSError when it cannot be used.
        """
        probe = self._write(b"probe")
        linked = probe.with_name(f"{probe.name}-linked")
        try:
            os.link(probe, linked)
        finally:
            probe.unlink()
            linked.unlink(missing_ok=True)
        for left in self._temporary.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - left.lstat().st_mtime > STALE_AFTER_S:
                    left.unlink()

    def place(
        self, path: Path, content: bytes, *, if_absent: bool = False, if_match: str | None = None
    ) -> os.stat_result:
        """Writes `content` to `path`, durably; answers the status of exactly that file.

        Raises FileExistsError if a file is there and `if_absent`, Conflict when it is not the
        version with the etag `if_match` or when something other than a file is in the way, and
        other OSErrors as they come, leaving nothing behind.
        """
        temporary = self._write(content)
        try:
            status = os.stat(temporary)
            self._publish(temporary, path, _publisher(if_absent, if_match))
            return status
        finally:
            temporary.unlink(missing_ok=True)

    def remove(self, path: Path) -> bool:
        """Removes the file and the folders that it leaves empty; answers whether it was there."""
        if not is_real(path):
            return False
        try:
            with self._exclusive():
                path.unlink()
        except FileNotFoundError:
            return False
        remove_empty_folders(path.parent, self._root)
        return True

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Keeps every other writer out, in this process and in others."""
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, content: bytes) -> Path:
        self._temporary.mkdir(parents=True, exist_ok=True)
        path = self._temporary / uuid.uuid4().hex
        try:
            with path.open("xb") as file:
                file.write(content)
                file.flush()
                # The file system's own clock is coarse, and with a reused inode two versions of
                # an object could look the same.
                now = time.time_ns()
                os.utime(file.fileno(), ns=(now, now))
                os.fsync(file.fileno())
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path

    def _publish(self, temporary: Path, path: Path, publish: Callable[[Path, Path], None]) -> None:
        for _ in range(_ATTEMPTS):
            make_folders(path.parent, self._root)
            try:
                with self._exclusive():
                    publish(temporary, path)
            except FileNotFoundError:
                continue  # a deletion has just removed the emptied folder
            except (FileExistsError, IsADirectoryError):
                if is_real(path):
                    raise
                remove_obstacle(path)
            else:
                return sync_folder(path.parent)
        raise Conflict("the object's folder keeps being removed")


def info_of(key: str, status: os.stat_result) -> ObjectInfo:
    """The object's info, from the status of its file alone."""
    modified = datetime.fromtimestamp(status.st_mtime, UTC)
    return ObjectInfo(key, status.st_size, _etag(status), modified, content_type_of(key))


def _etag(status: os.stat_result) -> str:
    return f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"


def is_real(path: Path) -> bool:
    """Whether `path` is a regular file that no symbolic link leads to."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode) and is_direct(path)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _publisher(if_absent: bool, if_match: str | None) -> Callable[[Path, Path], None]:
    if if_match is not None:
        return partial(_replace_version, if_match)
    return os.link if if_absent else os.replace


def _replace_version(etag: str, temporary: Path, path: Path) -> None:
    if not is_real(path) or _etag(os.lstat(path)) != etag:
        raise Conflict("the object has changed or is gone")
    os.replace(temporary, path)
