"""Waits out the outage of a peer."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from facetkit.errors import Deadline, NotReady, Overloaded, Unavailable

Result = TypeVar("Result")

PASSING = (Unavailable, NotReady, Overloaded, Deadline)
"""Errors that another attempt may not meet."""

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0


class Patience:
    """Repeats what fails in passing, for at most `for_s` seconds after the first failure."""

    def __init__(self, for_s: float = 120.0) -> None:
        self._for_s = for_s

    async def wait_for(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """The call's result. Raises its last error."""
        clock = asyncio.get_running_loop().time
        ends_at: float | None = None
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return await call()
            except PASSING as error:
                ends_at = ends_at or clock() + self._for_s
                if clock() + pause_s > ends_at:
                    raise
                await asyncio.sleep(
                    max(pause_s, error.retry_after_s or 0) * random.uniform(0.7, 1.3)
                )
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
