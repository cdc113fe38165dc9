"""Progress of one request's pictures: from the worker's thread to whoever waits."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

from vision_models import picture_files
from vision_models.domain import Pixels
from vision_models.generation_domain import Advance
from vision_models.generation_requests import Progressed, Queued


class DrawingProgress:
    """Gathers the positions and steps of `count` pictures into one row of events."""

    def __init__(self, count: int, alive: Callable[[], None]) -> None:
        self.results: list[Pixels] = []
        self._alive = alive
        self._steps = [0] * count
        self._preview = b""
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Queued | Progressed | None] = asyncio.Queue()

    def watch(self, index: int) -> Callable[[int], None] | None:
        """To be told of the position of picture `index`; only the first one's counts."""
        return self._moved if index == 0 else None

    def advance(self, index: int) -> Advance:
        """To be told of the steps of picture `index`."""

        def advanced(step: int, steps: int, preview: Pixels | None) -> None:
            self._alive()
            png = b"" if preview is None else picture_files.encode_preview(preview)
            # After the loop has closed nobody waits any more.
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._stepped, index, step, steps, png)

        return advanced

    async def events(
        self, work: Coroutine[Any, Any, list[Pixels]]
    ) -> AsyncGenerator[Queued | Progressed, None]:
        """What happens until `work` ends, whose results are kept; raises what it raises."""
        task = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._events.put_nowait(None))
        try:
            while event := await self._events.get():
                yield event
            self.results = await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _moved(self, position: int) -> None:
        self._events.put_nowait(Queued(position))

    def _stepped(self, index: int, step: int, steps: int, preview: bytes) -> None:
        before = sum(self._steps)
        self._steps[index] = step
        count, after = len(self._steps), sum(self._steps)
        self._preview = preview or self._preview
        # Pictures computed side by side advance together: one event tells of all.
        if after // count > before // count:
            self._events.put_nowait(Progressed(after // count, steps, self._preview))
            self._preview = b""
