"""Locks of several keys at once."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from search.accepted import KeyedLocks


@asynccontextmanager
async def holding_all(locks: KeyedLocks, keys: Iterable[str]) -> AsyncIterator[None]:
    """Holds the locks of all `keys`. Who holds one of `locks` already waits for ever."""
    async with AsyncExitStack() as stack:
        # Always in the same order: two that want the same ones never wait for each other.
        for key in sorted(set(keys)):
            await stack.enter_async_context(locks.holding(key))
        yield
