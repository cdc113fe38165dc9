"""VectorStore over Milvus: Lite run as a server, Milvus standalone or distributed, Zilliz Cloud."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import grpc
import structlog
from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException

from facetkit.errors import NotReady, Unavailable
from search.adapters.milvus_rows import (
    SCALARS,
    collection_of,
    expression,
    index,
    schema,
    to_item,
    to_record,
    to_row,
)
from search.domain import Filter, Found, Hit, ModelInfo, Page, Row, Statistics, Vector

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

EXPORT_BATCH = 1000
PING_TIMEOUT_S = 2.0
LITE_WRITE_TIMEOUT_S = 20.0
"""Long enough for a frozen Lite to be killed first: a write given up on may still go on in it,
and the next one must not run beside it."""


class MilvusStore:
    """Speaks pymilvus in threads.

    `lite_flush_s` is given for Milvus Lite alone. Its log keeps what was acknowledged through a
    kill only if writes and flushes come one at a time; and it replays unsealed rows slowly, so
    that they are sealed that many seconds after a write. Servers need neither (None).
    """

    def __init__(
        self,
        uri: str,
        token: str = "",
        *,
        timeout_s: float = 5.0,
        lite_flush_s: float | None = None,
    ) -> None:
        self._uri, self._token = uri, token
        self._timeout_s = timeout_s
        self._lite_flush_s = lite_flush_s
        self._write_timeout_s = LITE_WRITE_TIMEOUT_S if lite_flush_s else timeout_s
        self._writing = asyncio.Lock() if lite_flush_s else contextlib.nullcontext()
        self._flushing: asyncio.Task[None] | None = None
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="milvus")
        self._client: Any = None
        self._collection = ""

    async def open(self, model: ModelInfo) -> None:
        """Opens the collection of this model, made where it is missing."""
        self._collection = collection_of(model)
        await self._in_thread(self._open, model.dimensions)
        if self._lite_flush_s:
            await self._write("flush")

    async def upsert(self, rows: Sequence[Row]) -> None:
        """Writes the rows; returns when they are durable."""
        records = [to_record(row) for row in rows]
        await self._write("upsert", data=records)

    async def delete(self, item_id: str) -> None:
        """Removes a row, if it is there."""
        await self._write("delete", ids=[item_id])

    async def get(self, item_id: str) -> Row | None:
        """The row of an id."""
        found = await self._call(
            "get", ids=[item_id], output_fields=[*SCALARS, "vector"], consistency_level="Strong"
        )
        return to_row(found[0]) if found else None

    async def search(self, vector: Vector, page: Page, accept: Filter) -> Found:
        """The nearest rows by cosine."""
        found = await self._call(
            "search",
            data=[vector],
            limit=page.window,
            filter=expression(accept),
            output_fields=list(SCALARS),
        )
        hits = [
            Hit(to_item(hit["entity"] | {"id": hit["id"]}), hit["distance"]) for hit in found[0]
        ]
        hits.sort(key=lambda hit: (-hit.score, hit.item.id))
        return Found(hits[page.offset :], await self._count(expression(accept)))

    async def rows(self) -> AsyncIterator[list[Row]]:
        """All rows, in batches."""
        iterator = await self._call(
            "query_iterator", batch_size=EXPORT_BATCH, output_fields=[*SCALARS, "vector"]
        )
        while records := await self._in_thread(iterator.next):
            yield [to_row(record) for record in records]
        await self._in_thread(iterator.close)

    async def statistics(self) -> Statistics:
        """Counts as they are now."""
        if self._lite_flush_s:
            # Killed in a flush, Lite counts what it replays twice until the next flush.
            await self._write("flush")
        return Statistics(self._collection, await self._count(""), 0, "store")

    async def ping(self) -> None:
        """Asks for the collection."""
        await self._call("has_collection", timeout=PING_TIMEOUT_S)

    async def close(self) -> None:
        """Lets go of the connection."""
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.gather(self._flushing, return_exceptions=True)
        if self._client is not None:
            await self._in_thread(self._client.close)
        self._threads.shutdown(wait=False)

    async def _count(self, accept: str) -> int:
        counted = await self._call(
            "query", filter=accept, output_fields=["count(*)"], consistency_level="Strong"
        )
        return int(counted[0]["count(*)"])

    def _open(self, dimensions: int) -> None:
        if self._client is None:
            self._client = MilvusClient(self._uri, token=self._token, timeout=self._timeout_s)
        if not self._client.has_collection(self._collection, timeout=self._timeout_s):
            self._client.create_collection(
                self._collection,
                schema=schema(dimensions),
                index_params=index(),
                consistency_level="Session",
                timeout=self._timeout_s,
            )
        self._client.load_collection(self._collection, timeout=self._timeout_s)

    async def _write(self, method: str, **arguments: Any) -> None:
        async with self._writing:
            await self._call(method, timeout=self._write_timeout_s, **arguments)
        self._flush_soon()

    async def _call(self, method: str, **arguments: Any) -> Any:
        return await self._in_thread(self._loaded_call, method, arguments)

    def _loaded_call(self, method: str, arguments: dict[str, Any]) -> Any:
        if self._client is None:
            raise NotReady("the vector store is not open yet", retry_after_s=2)
        call = functools.partial(
            getattr(self._client, method),
            self._collection,
            **{"timeout": self._timeout_s, **arguments},
        )
        try:
            return call()
        except MilvusException as error:
            # A store that was restarted has the collection, but not loaded.
            if "load" not in str(error).lower():
                raise
            self._client.load_collection(self._collection, timeout=self._timeout_s)
            return call()

    async def _in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, work, *arguments)
        except (MilvusException, grpc.RpcError) as error:
            log.warning("vector store", error=str(error)[:500])
            raise Unavailable("the vector store cannot be reached", retry_after_s=2) from error

    def _flush_soon(self) -> None:
        if self._lite_flush_s and (self._flushing is None or self._flushing.done()):
            self._flushing = asyncio.create_task(self._flush(self._lite_flush_s))

    async def _flush(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        try:
            async with self._writing:
                await self._call("flush")
        except Unavailable:
            log.info("flush left to the next write")
