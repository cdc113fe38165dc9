"""The collections of a Milvus; an alias names the one that answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from facetkit.errors import Conflict, NotFound
from search.accepted import accepted
from search.adapters.matrix_store import MatrixStore
from search.adapters.milvus import MilvusStore
from search.adapters.milvus_calls import MilvusCalls
from search.adapters.milvus_rows import collection_of
from search.domain import ModelInfo, VectorStore


class MilvusCollections:
    """Milvus collections by model; each store has the matrix beside it where `matrix` says so.

    `lite_flush_s` as for MilvusWrites. All stores take turns in writing to Lite.
    """

    def __init__(
        self,
        uri: str,
        token: str = "",
        *,
        lite_flush_s: float | None = None,
        matrix: bool,
        alias: str = "images",
        timeout_s: float = 5.0,
    ) -> None:
        self._uri, self._token, self._timeout_s = uri, token, timeout_s
        self._lite_flush_s = lite_flush_s
        self._matrix = matrix
        self._alias = alias
        self._writing = asyncio.Lock() if lite_flush_s else nullcontext()

    def name(self, model: ModelInfo) -> str:
        """The collection of a model."""
        return collection_of(model)

    def store(self) -> VectorStore:
        """A store that is not open yet."""
        store = MilvusStore(
            self._uri,
            self._token,
            timeout_s=self._timeout_s,
            lite_flush_s=self._lite_flush_s,
            writing=self._writing,
        )
        return MatrixStore(store) if self._matrix else store

    async def active(self) -> str:
        """The collection that the alias names; empty while it names none."""
        async with self._connected() as calls:
            return await self._active(calls)

    async def switch(self, collection: str) -> None:
        """Lets the alias name `collection`. Raises NotFound where there is none."""
        await accepted(self._switch(collection))

    async def drop(self, collection: str) -> None:
        """Removes a collection, if it is there. Raises Conflict for the active one."""
        await accepted(self._drop(collection))

    async def _switch(self, collection: str) -> None:
        async with self._connected() as calls, self._writing:
            if not await calls.call("has_collection", collection):
                raise NotFound(f"there is no collection '{collection}'")
            active = await self._active(calls)
            if active != collection:
                method = "alter_alias" if active else "create_alias"
                await calls.call(method, collection, self._alias)

    async def _drop(self, collection: str) -> None:
        async with self._connected() as calls, self._writing:
            if collection == await self._active(calls):
                raise Conflict(f"the collection '{collection}' answers searches")
            if await calls.call("has_collection", collection):
                await calls.call("drop_collection", collection)

    async def _active(self, calls: MilvusCalls) -> str:
        known = await calls.call("list_aliases")
        if self._alias not in known["aliases"]:
            return ""
        described = await calls.call("describe_alias", self._alias)
        return str(described["collection_name"])

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[MilvusCalls]:
        calls = MilvusCalls(self._uri, self._token, self._timeout_s)
        try:
            await calls.connect()
            yield calls
        finally:
            await calls.close()
