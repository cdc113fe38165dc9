"""Files that appear whole or not at all, and are never reached through a symbolic link."""

import os
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from facetkit.errors import Conflict
from facetkit.objects import INTERNAL_PREFIX, ObjectInfo, content_type_of

STALE_AFTER_S = 3600
_ATTEMPTS = 16


class Placement:
    """Puts files below `root` by way of temporary files in a folder of its own there."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._temporary = root / f"{INTERNAL_PREFIX}tmp"

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

    def place(self, path: Path, content: bytes, *, if_absent: bool) -> os.stat_result:
        """Writes `content` to `path`, durably; answers the status of exactly that file.

        Raises FileExistsError if a file is there and `if_absent`, Conflict when something other
        than a file is in the way, and other OSErrors as they come, leaving nothing behind.
        """
        temporary = self._write(content)
        try:
            status = os.stat(temporary)
            self._publish(temporary, path, os.link if if_absent else os.replace)
            return status
        finally:
            temporary.unlink(missing_ok=True)

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
            _make_folders(path.parent, self._root)
            try:
                publish(temporary, path)
            except FileNotFoundError:
                continue  # a deletion has just removed the emptied folder
            except (FileExistsError, IsADirectoryError):
                if is_real(path):
                    raise
                _remove_obstacle(path)
            else:
                return _sync_folder(path.parent)
        raise Conflict("the object's folder keeps being removed")


def info_of(key: str, status: os.stat_result) -> ObjectInfo:
    """The object's info, from the status of its file alone."""
    etag = f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"
    modified = datetime.fromtimestamp(status.st_mtime, UTC)
    return ObjectInfo(key, status.st_size, etag, modified, content_type_of(key))


def is_real(path: Path) -> bool:
    """Whether `path` is a regular file that no symbolic link leads to."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode) and _is_direct(path)
    except (FileNotFoundError, NotADirectoryError):
        return False


@contextmanager
def open_object(path: Path) -> Iterator[BinaryIO]:
    """The file, open for reading. Raises FileNotFoundError where `is_real` is false."""
    if not is_real(path):
        raise FileNotFoundError
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        yield file


def remove_empty_folders(folder: Path, root: Path) -> None:
    """Removes `folder` and those above it as far as they are empty, `root` excepted."""
    while folder != root:
        try:
            folder.rmdir()
        except OSError:
            break
        folder = folder.parent
    _sync_folder(folder)


def _make_folders(folder: Path, root: Path) -> None:
    if not folder.is_dir():
        for made in [*reversed(folder.relative_to(root).parents), folder.relative_to(root)]:
            _make_folder(root / made)
    if not _is_direct(folder):
        raise Conflict("a symbolic link is in the way of the object")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir()
    except FileNotFoundError:
        return  # a deletion has just removed the one above: the caller tries again
    except (FileExistsError, NotADirectoryError) as error:
        if folder.is_symlink() or not folder.is_dir():
            raise Conflict("something else is in the way of the object") from error
    else:
        _sync_folder(folder.parent)


def _remove_obstacle(path: Path) -> None:
    try:
        path.rmdir()
    except FileNotFoundError:
        return
    except OSError as error:
        raise Conflict("other objects are in the way") from error


def _is_direct(path: Path) -> bool:
    return os.path.realpath(path) == str(path)


def _sync_folder(folder: Path) -> None:
    with suppress(FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
