"""Which caption cache vision-models uses: Redis, or its own memory."""

from vision_models.caches.counted import CountedCaptionCache
from vision_models.caches.memory import MemoryCaptionCache
from vision_models.caches.resilient import ResilientCaptionCache
from vision_models.caption_cache import CaptionCache


def open_caption_cache(
    *,
    host: str,
    port: int,
    db: int,
    username: str,
    password: str,
    tls: bool,
    ttl_s: int,
    items: int,
) -> CaptionCache:
    """Redis at `host`, with this process's memory of `items` captions in its absence.

    Without a host, that memory alone. Nothing is waited for; needs a running event loop.
    """
    memory = MemoryCaptionCache(items=items, ttl_s=ttl_s)
    if not host:
        return CountedCaptionCache(memory)
    # Nobody needs the library without a Redis.
    from vision_models.caches.redis import RedisAccess, RedisCaptionCache

    access = RedisAccess(host, port, db, username, password, tls)
    shared = RedisCaptionCache(access, ttl_s=ttl_s)
    return CountedCaptionCache(ResilientCaptionCache(shared, memory))
