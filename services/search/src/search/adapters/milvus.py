"""VectorStore over Milvus: Lite run as a server, Milvus standalone or distributed, Zilliz Cloud."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from search.adapters.coalesced import Coalesced
from search.adapters.milvus_calls import MilvusCalls
from search.adapters.milvus_filter import expression
from search.adapters.milvus_rows import SCALARS, collection_of, to_item, to_record, to_row
from search.adapters.milvus_writes import MilvusWrites
from search.domain import Filter, Found, Hit, ModelInfo, Page, Row, Statistics, Vector

MAX_ROWS = 1000
"""Of one write, and of one batch when all rows are read."""
MAX_SHARED_WINDOW = 256
"""64 answers of this width are as many hits as one answer may have."""
SERVER_LANES = 4
"""Searches at a time; Lite, which is one interpreter, is given one."""
PING_TIMEOUT_S = 2.0


class MilvusStore:
    """Speaks pymilvus in threads. `lite_flush_s` and `writing` as for MilvusWrites."""

    def __init__(
        self,
        uri: str,
        token: str = "",
        *,
        timeout_s: float = 5.0,
        lite_flush_s: float | None = None,
        writing: AbstractAsyncContextManager[Any] | None = None,
    ) -> None:
        self._calls = MilvusCalls(uri, token, timeout_s)
        self._writes = MilvusWrites(self._calls, timeout_s, lite_flush_s, writing)
        self._searches = Coalesced(self._search_many, 1 if lite_flush_s else SERVER_LANES)
        self._collection = ""

    async def open(self, model: ModelInfo) -> None:
        """Opens the collection of this model, made where it is missing."""
        self._collection = collection_of(model)
        await self._calls.connect()
        await self._writes.open(self._collection, model.dimensions)

    async def upsert(self, rows: Sequence[Row]) -> None:
        """Writes the rows; returns when they are durable."""
        assert len(rows) <= MAX_ROWS
        if rows:
            await self._writes.write("upsert", data=[to_record(row) for row in rows])

    async def delete(self, item_ids: Sequence[str]) -> None:
        """Removes rows, those that are there."""
        assert len(item_ids) <= MAX_ROWS
        if item_ids:
            await self._writes.write("delete", ids=list(item_ids))

    async def get(self, item_id: str) -> Row | None:
        """The row of an id."""
        found = await self._calls.call_loaded(
            "get",
            self._collection,
            ids=[item_id],
            output_fields=[*SCALARS, "vector"],
            consistency_level="Strong",
        )
        return to_row(found[0]) if found else None

    async def search(self, vector: Vector, page: Page, accept: Filter) -> Found:
        """The nearest rows by cosine."""
        key = (expression(accept), page.window)
        if page.window > MAX_SHARED_WINDOW:
            hits, total = (await self._search_many(key, [vector]))[0]
        else:
            hits, total = await self._searches.ask(key, vector)
        return Found(hits[page.offset :], total)

    async def rows(self) -> AsyncIterator[list[Row]]:
        """All rows, in batches."""
        iterator = await self._calls.call_loaded(
            "query_iterator",
            self._collection,
            batch_size=MAX_ROWS,
            output_fields=[*SCALARS, "vector"],
            consistency_level="Strong",
        )
        while records := await self._calls.in_thread(iterator.next):
            yield [to_row(record) for record in records]
        await self._calls.in_thread(iterator.close)

    async def statistics(self) -> Statistics:
        """Counts as they are now."""
        # Killed in a flush, Lite counts what it replays twice until the next flush.
        await self._writes.seal()
        return Statistics(self._collection, await self._count("", "Strong"), 0, "store")

    async def ping(self) -> None:
        """Asks for the collection."""
        await self._calls.call("has_collection", self._collection, timeout=PING_TIMEOUT_S)

    async def close(self) -> None:
        """Lets go of the connection."""
        await self._writes.close()
        await self._searches.close()
        await self._calls.close()

    async def _search_many(
        self, key: tuple[str, int], vectors: Sequence[Vector]
    ) -> list[tuple[list[Hit], int]]:
        accept, window = key
        found, total = await asyncio.gather(
            self._calls.call_loaded(
                "search",
                self._collection,
                data=list(vectors),
                limit=window,
                filter=accept,
                output_fields=list(SCALARS),
                consistency_level="Session",
            ),
            self._count(accept, "Session"),
        )
        return [(_hits(each), total) for each in found]

    async def _count(self, accept: str, consistency_level: str) -> int:
        counted = await self._calls.call_loaded(
            "query",
            self._collection,
            filter=accept,
            output_fields=["count(*)"],
            consistency_level=consistency_level,
        )
        return int(counted[0]["count(*)"])


def _hits(found: Sequence[dict[str, Any]]) -> list[Hit]:
    hits = [Hit(to_item(hit["entity"] | {"id": hit["id"]}), hit["distance"]) for hit in found]
    return sorted(hits, key=lambda hit: (-hit.score, hit.item.id))
