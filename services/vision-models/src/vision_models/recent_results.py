"""The results of the last keys asked for."""

from collections.abc import Hashable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class RecentResults(Generic[Result]):
    """Results by key, at most `size` of them; size 0 keeps nothing."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._results: dict[Hashable, Result] = {}

    def get(self, key: Hashable) -> Result | None:
        """The result under `key`, which becomes the most recent one."""
        result = self._results.pop(key, None)
        if result is not None:
            self._results[key] = result
        return result

    def put(self, key: Hashable, result: Result) -> None:
        """Keeps `result`; the least recently used one goes when the size is reached."""
        self._results[key] = result
        while len(self._results) > self._size:
            del self._results[next(iter(self._results))]
