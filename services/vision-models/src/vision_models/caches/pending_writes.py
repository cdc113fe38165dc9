"""Writes that no caller waits for."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from vision_models.caption_cache import CachedCaption

Write = Callable[[str, CachedCaption], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Pending:
    value: CachedCaption
    task: "asyncio.Task[Any]"


class PendingWrites:
    """At most `most` writes under way, one for a key; one more is not begun."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pending: dict[str, _Pending] = {}

    def get(self, key: str) -> CachedCaption | None:
        """What is being written under `key`."""
        pending = self._pending.get(key)
        return pending.value if pending else None

    async def begin(self, key: str, value: CachedCaption, write: Write) -> None:
        """Starts `write`, which must not raise; waits only for an earlier one of the same key."""
        while earlier := self._pending.get(key):
            await asyncio.wait({earlier.task})
        if len(self._pending) >= self._most:
            return
        task = asyncio.create_task(self._run(key, value, write))
        self._pending[key] = _Pending(value, task)

    async def finish(self) -> None:
        """Waits for all that were begun."""
        while tasks := {pending.task for pending in self._pending.values()}:
            await asyncio.wait(tasks)

    async def _run(self, key: str, value: CachedCaption, write: Write) -> None:
        try:
            await write(key, value)
        finally:
            del self._pending[key]
