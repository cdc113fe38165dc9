"""A costly thing made on first use, once for all who wait for it."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Once(Generic[Thing]):
    """Calls `make` in a thread on first use; a failure is raised and tried again next time."""

    def __init__(self, make: Callable[[], Thing]) -> None:
        self._make = make
        self._thing: Thing | None = None
        self._lock = asyncio.Lock()

    async def __call__(self) -> Thing:
        """The thing."""
        async with self._lock:
            if self._thing is None:
                self._thing = await asyncio.to_thread(self._make)
        return self._thing
