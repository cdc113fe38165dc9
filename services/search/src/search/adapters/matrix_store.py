"""VectorStore that writes to a durable one and answers from the matrix beside it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

import faiss
import structlog

from facetkit.errors import FacetError
from search.adapters.coalesced import Coalesced
from search.adapters.matrix import Matrix
from search.domain import Filter, Found, ModelInfo, Page, Row, Statistics, Vector, VectorStore

log = structlog.get_logger(__name__)

MAX_SHARED_WINDOW = 256
"""Wider windows cost more than the rows' decoding, which is what a batch saves."""

Result = TypeVar("Result")


class MatrixStore:
    """Keeps the matrix in step with `durable`.

    After a write whose outcome is unknown (the durable store died in it), its rows are read back
    until the durable store answers, so that both agree again. Searches that wait while the
    matrix is busy are answered in one pass.
    """

    def __init__(self, durable: VectorStore, *, settle_every_s: float = 0.5) -> None:
        self._durable = durable
        self._settle_every_s = settle_every_s
        # One thread is the matrix's lock, and keeps the scan off the event loop.
        self._thread = ThreadPoolExecutor(
            1, "matrix", initializer=faiss.omp_set_num_threads, initargs=(1,)
        )
        self._matrix = Matrix(1)
        self._searches = Coalesced(self._search_many)
        self._unsettled: set[str] = set()
        self._settling: asyncio.Task[None] | None = None

    async def open(self, model: ModelInfo) -> None:
        """Opens the durable store and reads all its rows into a new matrix."""
        await self._durable.open(model)
        matrix = Matrix(model.dimensions)
        async for rows in self._durable.rows():
            await self._in_thread(matrix.put, rows)
        self._matrix = matrix
        log.info("matrix ready", rows=len(matrix))

    async def upsert(self, rows: Sequence[Row]) -> None:
        """Writes to the durable store, then to the matrix."""
        item_ids = [row.item.id for row in rows]
        async with self._settled(item_ids):
            await self._durable.upsert(rows)
        await self._in_thread(self._matrix.put, rows)

    async def delete(self, item_ids: Sequence[str]) -> None:
        """Removes from the durable store, then from the matrix."""
        async with self._settled(item_ids):
            await self._durable.delete(item_ids)
        await self._in_thread(self._matrix.remove, item_ids)

    async def get(self, item_id: str) -> Row | None:
        """The row of an id, from the matrix."""
        return await self._in_thread(self._matrix.get, item_id)

    async def search(self, vector: Vector, page: Page, accept: Filter) -> Found:
        """The nearest rows by cosine, from the matrix."""
        if page.window > MAX_SHARED_WINDOW:
            return await self._in_thread(self._matrix.search, vector, page, accept)
        return await self._searches.ask(accept, (vector, page))

    def rows(self) -> AsyncIterator[list[Row]]:
        """All rows, in batches, from the durable store."""
        return self._durable.rows()

    async def statistics(self) -> Statistics:
        """Counts of both."""
        durable = await self._durable.statistics()
        return Statistics(durable.collection, durable.stored, len(self._matrix), "matrix")

    async def ping(self) -> None:
        """Asks the durable store."""
        await self._durable.ping()

    async def close(self) -> None:
        """Lets go of the durable store."""
        if self._settling is not None:
            self._settling.cancel()
            await asyncio.gather(self._settling, return_exceptions=True)
        await self._searches.close()
        await self._durable.close()
        self._thread.shutdown(wait=False)

    async def _search_many(
        self, accept: Filter, queries: Sequence[tuple[Vector, Page]]
    ) -> list[Found]:
        return await self._in_thread(self._matrix.search_many, queries, accept)

    @asynccontextmanager
    async def _settled(self, item_ids: Sequence[str]) -> AsyncIterator[None]:
        """Sees to it that rows are read back if the write to them fails, and not if it does not."""
        try:
            yield
        except BaseException:
            self._unsettled.update(item_ids)
            if self._settling is None or self._settling.done():
                self._settling = asyncio.create_task(self._read_back())
            raise
        self._unsettled.difference_update(item_ids)

    async def _read_back(self) -> None:
        while self._unsettled:
            await asyncio.sleep(self._settle_every_s)
            for item_id in list(self._unsettled):
                try:
                    row = await self._durable.get(item_id)
                except FacetError:
                    break
                # A write since then knows better.
                if item_id in self._unsettled:
                    self._unsettled.remove(item_id)
                    await self._take_over(item_id, row)

    async def _take_over(self, item_id: str, row: Row | None) -> None:
        if row is None:
            await self._in_thread(self._matrix.remove, [item_id])
        else:
            await self._in_thread(self._matrix.put, [row])
        log.info("row settled", item=item_id, stored=row is not None)

    async def _in_thread(self, work: Callable[..., Result], *arguments: object) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, work, *arguments)
