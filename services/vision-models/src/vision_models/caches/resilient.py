"""A shared cache that may fail, with one of this process in its absence."""

import asyncio

import structlog

from facetkit.errors import Unavailable
from vision_models import metrics
from vision_models.caches.pending_writes import PendingWrites
from vision_models.caption_cache import CachedCaption, CaptionCache, SharedCaptionCache

log = structlog.get_logger(__name__)

_MAX_WRITES = 256


class ResilientCaptionCache:
    """Uses `shared` alone while it answers, `stand_in` alone from its first failure on.

    It is checked every `probe_s`: a check that succeeds brings it back and empties `stand_in`.
    Until the first one has, `stand_in` is used.
    """

    def __init__(
        self, shared: SharedCaptionCache, stand_in: CaptionCache, *, probe_s: float = 1.0
    ) -> None:
        self._shared = shared
        self._stand_in = stand_in
        self._probe_s = probe_s
        self._answers: bool | None = None
        self._was_seen = False
        self._writes = PendingWrites(_MAX_WRITES)
        self._watcher = asyncio.create_task(self._watch())

    @property
    def shares(self) -> bool:
        """Whether the shared cache is in use."""
        return self._answers is True

    async def get(self, key: str) -> CachedCaption | None:
        """As CaptionCache.get."""
        if self.shares:
            try:
                return self._writes.get(key) or await self._shared.get(key)
            except Unavailable as error:
                self._lose(error)
        return await self._stand_in.get(key)

    async def put(self, key: str, value: CachedCaption) -> None:
        """As CaptionCache.put; nobody waits for the shared cache."""
        if self.shares:
            await self._writes.begin(key, value, self._write)
        else:
            await self._stand_in.put(key, value)

    async def reset(self) -> int:
        """As CaptionCache.reset.

        The count is that of `stand_in` alone where the shared cache has never answered.
        """
        await self._writes.finish()
        count = 0
        try:
            count = await self._shared.reset()
        except Unavailable as error:
            self._lose(error)
            if self._was_seen:
                raise
        return count + await self._stand_in.reset()

    async def close(self) -> None:
        """As CaptionCache.close; writes that are under way are finished."""
        self._watcher.cancel()
        await asyncio.gather(self._watcher, return_exceptions=True)
        await self._writes.finish()
        await self._shared.close()
        await self._stand_in.close()

    async def _write(self, key: str, value: CachedCaption) -> None:
        if self.shares:
            try:
                return await self._shared.put(key, value)
            except Unavailable as error:
                self._lose(error)
        await self._stand_in.put(key, value)

    async def _watch(self) -> None:
        while True:
            try:
                await self._shared.check()
            except Unavailable as error:
                self._lose(error)
            else:
                await self._regain()
            await asyncio.sleep(self._probe_s)

    def _lose(self, error: Unavailable) -> None:
        if self._answers is False:
            return
        self._answers = False
        metrics.CAPTION_CACHE_SHARED.set(0)
        cause = error.__cause__ or error
        log.warning("shared caption cache lost", reason=f"{type(cause).__name__}: {cause}"[:200])

    async def _regain(self) -> None:
        if self.shares:
            return
        await self._stand_in.reset()
        self._answers = self._was_seen = True
        metrics.CAPTION_CACHE_SHARED.set(1)
        log.info("shared caption cache answers")
