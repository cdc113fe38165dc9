"""The file that takes a process's output, kept bounded."""

import os
import shutil
from collections import deque
from pathlib import Path

MAX_LOG_BYTES = 20 * 2**20


class LogFile:
    """A log with one previous generation beside it (`.1`)."""

    def __init__(self, path: Path, max_bytes: int = MAX_LOG_BYTES) -> None:
        self.path = path
        self._previous = path.with_name(f"{path.name}.1")
        self._max_bytes = max_bytes

    def start(self) -> None:
        """Begin a new generation."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            self.path.replace(self._previous)

    def open(self) -> int:
        """Return a descriptor that appends; the caller closes it."""
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def keep_bounded(self) -> None:
        """Move what is there to the previous generation when it is too much."""
        if self.path.exists() and self.path.stat().st_size > self._max_bytes:
            # The process goes on writing to the same file, at its new end.
            shutil.copyfile(self.path, self._previous)
            os.truncate(self.path, 0)

    def tail(self, lines: int) -> list[str]:
        """Return the last lines."""
        with self.path.open(encoding="utf-8", errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=lines)]
