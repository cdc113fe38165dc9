"""The objects of a folder in order of their keys, without holding all of them or reading any."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nsmallest
from pathlib import Path

from facetkit.errors import InvalidInput
from facetkit.local_files import info_of
from facetkit.objects import INTERNAL_PREFIX, ObjectInfo, check_key

NAMES_HELD = 100_000


@dataclass(frozen=True, slots=True)
class FolderListing:
    """What starts with `prefix` and comes after `after`, by key; folders before it are not entered.

    Of each folder at most `names_held` names are in memory; one that has more is scanned again for
    each further lot. Iterating raises OSError where a folder, or `root`, cannot be read.
    """

    root: Path
    prefix: str
    after: str
    names_held: int = NAMES_HELD

    def __iter__(self) -> Iterator[ObjectInfo]:
        """Each object's info."""
        os.stat(self.root)
        folder = self.prefix[: self.prefix.rfind("/") + 1]
        if folder and not _is_key(folder[:-1]):
            return
        if self.after.startswith(folder) or folder > self.after:
            yield from self._below(folder)

    def _below(self, folder: str) -> Iterator[ObjectInfo]:
        after = self.after.removeprefix(folder) if self.after > folder else ""
        for name in self._names(self.root / folder, after):
            key = folder + name
            if not key.startswith(self.prefix) or not _is_key(key.removesuffix("/")):
                continue
            if name.endswith("/"):
                yield from self._below(key)
            elif info := _info(self.root, key):
                yield info

    def _names(self, folder: Path, after: str) -> Iterator[str]:
        """The names past `after` in order, those of folders with a slash: so keys come in order."""
        head, slash, _ = after.partition("/")
        # No name lies between `after` and itself with this behind.
        least = head + slash if slash else after + "\0"
        while True:
            past = (name for name in _scanned(folder) if name >= least)
            names = nsmallest(self.names_held, past)
            yield from names
            if len(names) < self.names_held:
                return
            least = names[-1] + "\0"


def _scanned(folder: Path) -> Iterator[str]:
    if os.path.realpath(folder) != str(folder):
        return
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(INTERNAL_PREFIX):
                    yield entry.name + "/" * entry.is_dir(follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return


def _info(root: Path, key: str) -> ObjectInfo | None:
    try:
        status = os.lstat(os.path.join(root, key))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return info_of(key, status) if stat.S_ISREG(status.st_mode) else None


def _is_key(name: str) -> bool:
    try:
        check_key(name)
    except InvalidInput:
        return False
    return True
