"""Counts what a cache knows and what it does not."""

from vision_models import metrics
from vision_models.caption_cache import CachedCaption, CaptionCache


class CountedCaptionCache:
    """A cache whose hits and misses are metrics."""

    def __init__(self, cache: CaptionCache) -> None:
        self._cache = cache

    async def get(self, key: str) -> CachedCaption | None:
        """As CaptionCache.get."""
        found = await self._cache.get(key)
        metrics.CAPTION_CACHE.labels("miss" if found is None else "hit").inc()
        return found

    async def put(self, key: str, value: CachedCaption) -> None:
        """As CaptionCache.put."""
        await self._cache.put(key, value)

    async def reset(self) -> int:
        """As CaptionCache.reset."""
        return await self._cache.reset()

    async def close(self) -> None:
        """As CaptionCache.close."""
        await self._cache.close()
