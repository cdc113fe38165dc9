"""Captions kept by Redis, for all replicas."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from facetkit.errors import Unavailable
from vision_models.caption_cache import IMAGE_PREFIX, PREFIXES, CachedCaption, decode, encode

_MAX_CONNECTIONS = 16
_SCAN_COUNT = 1000
_PROBE_KEY = f"{IMAGE_PREFIX}probe"


@dataclass(frozen=True, slots=True)
class RedisAccess:
    """Where and as whom; an empty name or password is not sent."""

    host: str
    port: int = 6379
    db: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False


class RedisCaptionCache:
    """Captions that Redis forgets after `ttl_s`; connects on first use.

    Each call ends within `timeout_s`, a reset within that time for each of its steps. All raise
    Unavailable when Redis does not answer, or refuses.
    """

    def __init__(self, access: RedisAccess, *, ttl_s: int, timeout_s: float = 0.25) -> None:
        self._ttl_s = ttl_s
        self._timeout_s = timeout_s
        self._pool = _pool(access, timeout_s)
        self._redis = Redis(connection_pool=self._pool)

    async def get(self, key: str) -> CachedCaption | None:
        """As CaptionCache.get; what is not a caption is none. Raises Unavailable."""
        async with self._answering():
            # GET fails for a key of another type, MGET does not.
            (content,) = await self._redis.mget([key])
        return decode(content)

    async def put(self, key: str, value: CachedCaption) -> None:
        """As CaptionCache.put. Raises Unavailable."""
        async with self._answering():
            await self._redis.set(key, encode(value), ex=self._ttl_s)

    async def check(self) -> None:
        """As SharedCaptionCache.check."""
        try:
            async with self._answering():
                # Makes no key, yet is refused wherever a write is: on a replica, without memory.
                await self._redis.set(_PROBE_KEY, b"", xx=True)
        except Unavailable:
            # The host may be a former primary: the next check asks for its address again.
            await self._disconnect()
            raise

    async def reset(self) -> int:
        """As CaptionCache.reset; keys of others in the same database stay."""
        count = 0
        try:
            for prefix in PREFIXES:
                cursor: int | None = None
                while cursor != 0:
                    async with self._answering():
                        cursor, keys = await self._redis.scan(
                            cursor or 0, match=f"{prefix}*", count=_SCAN_COUNT
                        )
                        count += await self._redis.unlink(*keys) if keys else 0
        except Unavailable as error:
            raise _not_reset(count) from error.__cause__
        return count

    async def close(self) -> None:
        """As CaptionCache.close."""
        await self._disconnect()

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        # What answers may be no Redis at all, and then the errors are of any kind.
        except Exception as error:
            raise Unavailable("the cache cannot be reached", retry_after_s=2) from error

    async def _disconnect(self) -> None:
        with suppress(Unavailable):
            async with self._answering():
                await self._pool.disconnect()


def _pool(access: RedisAccess, timeout_s: float) -> BlockingConnectionPool:
    return BlockingConnectionPool(
        connection_class=SSLConnection if access.tls else Connection,
        max_connections=_MAX_CONNECTIONS,
        timeout=timeout_s,
        host=access.host,
        port=access.port,
        db=access.db,
        username=access.username or None,
        password=access.password or None,
        socket_connect_timeout=timeout_s,
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        # Each of these would cost a new connection another round trip.
        protocol=2,
        driver_info=None,
    )


def _not_reset(count: int) -> Unavailable:
    done = f"only {count} captions were reset" if count else "nothing was reset"
    return Unavailable(f"the cache cannot be reached; {done}", retry_after_s=2)
