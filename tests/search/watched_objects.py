"""An object store that tells what was asked of it, and fails where a test says so."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

from facetkit.errors import FacetError
from facetkit.memory_objects import MemoryObjectStore
from facetkit.objects import (
    ObjectInfo,
    ObjectPart,
    ObjectStore,
    StoredObject,
    content_type_of,
)

Hook = Callable[[], Awaitable[object]]


class WatchedObjects:
    """Before `inner`. `gets` and `heads` are the keys asked for.

    `failing` are errors by key, `away` is one for everything. `before_get`, `before_head` and
    `before_put` run once for a key, `before_page` before each page but the first. `sizes` are what
    listings tell instead of the truth.
    """

    def __init__(self, inner: ObjectStore | None = None) -> None:
        self.inner = inner or MemoryObjectStore()
        self.gets: list[str] = []
        self.heads: list[str] = []
        self.failing: dict[str, FacetError] = {}
        self.away: FacetError | None = None
        self.before_get: dict[str, Hook] = {}
        self.before_head: dict[str, Hook] = {}
        self.before_put: dict[str, Hook] = {}
        self.before_page: Callable[[int], Awaitable[object]] | None = None
        self.sizes: dict[str, int] = {}

    async def put(self, key: str, content: bytes, **conditions: Any) -> ObjectInfo:
        """As ObjectStore.put."""
        self._fail(key)
        if key in self.before_put:
            await self.before_put.pop(key)()
        return await self.inner.put(key, content, **conditions)

    async def get(self, key: str, *, max_bytes: int | None = None) -> StoredObject:
        """As ObjectStore.get."""
        self.gets.append(key)
        self._fail(key)
        if key in self.before_get:
            await self.before_get.pop(key)()
        return await self.inner.get(key, max_bytes=max_bytes)

    async def get_range(self, key: str, *, start: int, length: int) -> ObjectPart:
        """As ObjectStore.get_range."""
        return await self.inner.get_range(key, start=start, length=length)

    async def head(self, key: str) -> ObjectInfo:
        """As ObjectStore.head."""
        self.heads.append(key)
        self._fail(key)
        if key in self.before_head:
            await self.before_head.pop(key)()
        return await self.inner.head(key)

    async def delete(self, key: str) -> bool:
        """As ObjectStore.delete."""
        self._fail(key)
        return await self.inner.delete(key)

    async def pages(self, prefix: str = "", *, after: str = "") -> AsyncIterator[list[ObjectInfo]]:
        """As ObjectStore.pages."""
        number = 0
        async for page in self.inner.pages(prefix, after=after):
            yield [replace(info, size=self.sizes.get(info.key, info.size)) for info in page]
            number += 1
            if self.before_page:
                await self.before_page(number)

    def url(self, key: str, *, expires_s: int) -> str | None:
        """As ObjectStore.url."""
        return self.inner.url(key, expires_s=expires_s)

    async def ready(self) -> None:
        """As ObjectStore.ready."""
        await self.inner.ready()

    async def close(self) -> None:
        """As ObjectStore.close."""
        await self.inner.close()

    def _fail(self, key: str) -> None:
        error = self.away or self.failing.get(key)
        if error:
            raise error


async def fill(objects: ObjectStore, contents: dict[str, bytes]) -> None:
    """Puts objects as the bucket's owner would."""
    for key, content in contents.items():
        await objects.put(key, content, content_type=content_type_of(key))
