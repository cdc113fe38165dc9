"""Folders that come and go with the files in them, never through a symbolic link."""

import os
from contextlib import suppress
from pathlib import Path

from facetkit.errors import Conflict


def remove_empty_folders(folder: Path, root: Path) -> None:
    """Removes `folder` and those above it as far as they are empty, `root` excepted."""
    while folder != root:
        try:
            folder.rmdir()
        except OSError:
            break
        folder = folder.parent
    sync_folder(folder)


def make_folders(folder: Path, root: Path) -> None:
    """Makes `folder` and those above it. Raises Conflict when something is in the way."""
    if not folder.is_dir():
        for made in [*reversed(folder.relative_to(root).parents), folder.relative_to(root)]:
            _make_folder(root / made)
    if not is_direct(folder):
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
        sync_folder(folder.parent)


def remove_obstacle(path: Path) -> None:
    """Removes an empty folder. Raises Conflict for anything else."""
    try:
        path.rmdir()
    except FileNotFoundError:
        return
    except OSError as error:
        raise Conflict("other objects are in the way") from error


def is_direct(path: Path) -> bool:
    """Whether no symbolic link leads to `path`."""
    return os.path.realpath(path) == str(path)


def sync_folder(folder: Path) -> None:
    """Makes the names in `folder` durable; nothing if it is gone."""
    with suppress(FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
