"""What waits in a batcher's lanes."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from vision_models.domain import Lane

Work = Callable[[list[Any]], Any]
"""Computes one result per item, in order; called in the worker thread."""

Watch = Callable[[int], None]
"""Told how many items are before one's own, each time that it changes."""


@dataclass(slots=True)
class Ticket:
    """One item that waits for its result."""

    work: Work
    item: Any
    alike: Hashable
    lane: Lane
    result: "asyncio.Future[Any]"
    ends_at: float | None
    watch: Watch | None = None
    position: int | None = None
    queued_at: float = field(default_factory=time.monotonic)

    @property
    def expired(self) -> bool:
        """Whether its caller's time is used up."""
        return self.ends_at is not None and self.ends_at <= time.monotonic()

    def moved(self, position: int) -> None:
        """Tells whoever watches of a position that is new."""
        if self.watch and position != self.position:
            self.position = position
            self.watch(position)

    def settle(self, outcome: Any) -> None:
        """Gives the outcome, a result or an exception, to whoever still waits."""
        if self.result.done():
            return
        if isinstance(outcome, Exception):
            self.result.set_exception(outcome)
        else:
            self.result.set_result(outcome)


def move_alike(queue: deque[Ticket], head: Ticket, batch: list[Ticket], limit: int) -> None:
    """Moves what can be computed with `head` from the queue to the batch, up to `limit`."""
    kept: list[Ticket] = []
    while queue and len(batch) < limit:
        ticket = queue.popleft()
        alike = ticket.work == head.work and ticket.alike == head.alike
        (batch if alike else kept).append(ticket)
    queue.extendleft(reversed(kept))
