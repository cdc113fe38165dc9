"""Captions kept by this process."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from vision_models.caption_cache import CachedCaption


@dataclass(frozen=True, slots=True)
class _Entry:
    value: CachedCaption
    expires_at: float


class MemoryCaptionCache:
    """At most `items` captions, each for `ttl_s`; the least recently used one goes first."""

    def __init__(
        self, *, items: int, ttl_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._items = items
        self._ttl_s = ttl_s
        self._clock = clock
        self._entries: dict[str, _Entry] = {}

    async def get(self, key: str) -> CachedCaption | None:
        """As CaptionCache.get; the caption becomes the most recent one."""
        entry = self._entries.pop(key, None)
        if entry is None or entry.expires_at <= self._clock():
            return None
        self._entries[key] = entry
        return entry.value

    async def put(self, key: str, value: CachedCaption) -> None:
        """As CaptionCache.put."""
        self._entries.pop(key, None)
        self._entries[key] = _Entry(value, self._clock() + self._ttl_s)
        while len(self._entries) > self._items:
            del self._entries[next(iter(self._entries))]

    async def reset(self) -> int:
        """As CaptionCache.reset; what has expired is not counted."""
        now = self._clock()
        count = sum(entry.expires_at > now for entry in self._entries.values())
        self._entries.clear()
        return count

    async def close(self) -> None:
        """Nothing is open."""
