"""Equal calls in flight are computed once."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from facetkit import deadlines
from facetkit.errors import Deadline

Result = TypeVar("Result")


@dataclass(slots=True)
class _Flight(Generic[Result]):
    task: "asyncio.Task[Result]"
    waiting: int = 0


class SharedCalls(Generic[Result]):
    """Runs one task per key; everybody who asks meanwhile gets its result.

    The task is cancelled when the last of them has left.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[Result]] = {}

    async def run(
        self, key: Hashable, compute: Callable[[], Coroutine[Any, Any, Result]]
    ) -> Result:
        """The result of `compute`, or of the equal call already under way."""
        while True:
            joined = key in self._flights
            flight = self._flights.get(key) or self._begin(key, compute)
            try:
                return await self._wait(key, flight)
            except Deadline:
                # The first caller's deadline is not that of those who joined it.
                if not joined:
                    raise
                deadlines.check()

    def _begin(
        self, key: Hashable, compute: Callable[[], Coroutine[Any, Any, Result]]
    ) -> _Flight[Result]:
        flight = _Flight(asyncio.create_task(compute()))
        self._flights[key] = flight
        flight.task.add_done_callback(lambda task: self._end(key, flight))
        return flight

    async def _wait(self, key: Hashable, flight: _Flight[Result]) -> Result:
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if flight.waiting == 0 and not flight.task.done():
                self._end(key, flight)
                flight.task.cancel()

    def _end(self, key: Hashable, flight: _Flight[Result]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if flight.task.done() and not flight.task.cancelled():
            # Nobody may be left to look at it; an error must not be reported as unseen.
            flight.task.exception()
