"""A file that one process has for itself."""

import fcntl
import os
from pathlib import Path

from facetkit.errors import NotReady


class FileLock:
    """Keeps other processes from a file while this one has it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Takes the lock, once. Raises NotReady when another process has it."""
        if self._descriptor is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = self._path.with_name(f"{self._path.name}.lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise NotReady(f"another process uses {self._path}", retry_after_s=2) from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Lets go of the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
