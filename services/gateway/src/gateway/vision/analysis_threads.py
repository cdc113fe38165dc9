"""The threads that decode, draw and write analyses, away from the event loop."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from facetkit import deadlines
from facetkit.errors import Overloaded

THREADS = 2
MAX_ANALYSES = 16
_SMOOTHING = 0.3

P = ParamSpec("P")
Result = TypeVar("Result")


class AnalysisThreads:
    """THREADS threads for at most MAX_ANALYSES analyses together."""

    def __init__(self) -> None:
        self._seconds = 1.0
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="analysis")
        self._analyses = 0

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Counts the block as one analysis. Raises Overloaded where there are too many."""
        if self._analyses >= MAX_ANALYSES:
            told = f"too many analyses at once ({MAX_ANALYSES})"
            raise Overloaded(told, retry_after_s=max(1.0, self._seconds / 2))
        self._analyses += 1
        started = time.monotonic()
        try:
            yield
        finally:
            self._analyses -= 1
            self._seconds += _SMOOTHING * (time.monotonic() - started - self._seconds)

    async def run(self, work: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """What `work` returns or raises. Raises Deadline where no time is left for it."""
        deadlines.check()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: work(*args, **kwargs))

    def close(self) -> None:
        """Ends the threads; work that has not begun is given up."""
        self._executor.shutdown(wait=False, cancel_futures=True)
