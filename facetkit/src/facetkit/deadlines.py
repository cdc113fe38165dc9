"""One deadline per request, carried by the task and its children."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from facetkit.errors import Deadline

_ends_at: ContextVar[float | None] = ContextVar("deadline", default=None)


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Runs the block under a deadline of `seconds`, or the earlier one already in force.

    Raises Deadline when the time is used up.
    """
    now, outer = time.monotonic(), _ends_at.get()
    ends_at = now + seconds if outer is None else min(now + seconds, outer)
    token = _ends_at.set(ends_at)
    # Of the earlier deadline too: in a child task nothing else interrupts the block.
    scope = asyncio.timeout(ends_at - now)
    try:
        async with scope:
            yield
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise Deadline("the deadline of the request has passed") from error
    finally:
        _ends_at.reset(token)


def ends_at() -> float | None:
    """The deadline in force as an instant of time.monotonic(), or None."""
    return _ends_at.get()


def remaining_s() -> float | None:
    """Seconds until the deadline in force, or None where there is none."""
    instant = _ends_at.get()
    return None if instant is None else instant - time.monotonic()


def check() -> None:
    """Raises Deadline when the time is used up: call it before each costly step."""
    left = remaining_s()
    if left is not None and left <= 0:
        raise Deadline("the deadline of the request has passed")
