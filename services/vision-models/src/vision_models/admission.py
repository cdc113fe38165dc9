"""The bound of a family's queue, counted before anything is decoded."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from facetkit.errors import Overloaded
from vision_models import metrics
from vision_models.domain import Lane

_SMOOTHING = 0.1


class Admission:
    """At most `size` calls between arrival and answer, at most half of them bulk.

    An interactive call over the bound is refused; a bulk call waits for its turn.
    """

    def __init__(self, size: int, family: str = "embedding") -> None:
        self._size = size
        self._family = family
        self._inside = {lane: 0 for lane in Lane}
        self._changed = asyncio.Condition()
        self._seconds_each = 0.05
        self._busy_since = 0.0

    @asynccontextmanager
    async def admitted(self, lane: Lane) -> AsyncIterator[None]:
        """Holds one place. Raises Overloaded with the time after which one should be free."""
        if lane is Lane.BULK:
            await self._wait_for_bulk()
        elif self._total >= self._size:
            metrics.REJECTED.labels(self._family, "queue_full").inc()
            raise Overloaded(
                f"the queue is full ({self._size} calls)", retry_after_s=self._retry_after_s()
            )
        self._enter(lane)
        try:
            yield
        finally:
            self._observe()
            await self._leave(lane)

    @property
    def _total(self) -> int:
        return sum(self._inside.values())

    def _enter(self, lane: Lane) -> None:
        if not self._total:
            self._busy_since = time.monotonic()
        self._inside[lane] += 1
        metrics.QUEUE_DEPTH.labels(self._family, lane.value).set(self._inside[lane])

    async def _leave(self, lane: Lane) -> None:
        self._inside[lane] -= 1
        metrics.QUEUE_DEPTH.labels(self._family, lane.value).set(self._inside[lane])
        async with self._changed:
            self._changed.notify_all()

    async def _wait_for_bulk(self) -> None:
        async with self._changed:
            await self._changed.wait_for(
                lambda: self._total < self._size and self._inside[Lane.BULK] < self._size // 2
            )

    def _observe(self) -> None:
        # From one leaving to the next: what is computed together leaves together.
        now = time.monotonic()
        self._seconds_each += _SMOOTHING * (now - self._busy_since - self._seconds_each)
        self._busy_since = now

    def _retry_after_s(self) -> float:
        """When half of the queue should have left."""
        return max(1.0, self._size / 2 * self._seconds_each)
