"""Milvus Lite with the same rows, asked through MilvusStore."""

import time
from pathlib import Path

from bench.clustered_vectors import Vectors, read
from bench.search_process import BATCH_ROWS, MODEL, rows
from search.adapters.milvus import MilvusStore
from search.domain import Filter, Page
from tests.search.milvus_lite import MilvusLite

FLUSH_S = 10.0
TOP_K = 10


class LiteSearch:
    """`milvus-lite server` over a folder; FLAT index."""

    def __init__(self, folder: Path, queries: Vectors) -> None:
        self._server = MilvusLite(folder)
        self._server.start()
        self._store = MilvusStore(self._server.uri, lite_flush_s=FLUSH_S, timeout_s=60)
        self._queries = queries

    async def fill(self, path: Path, count: int) -> None:
        """Upserts and seals all rows."""
        await self._store.open(MODEL)
        for first in range(0, count, BATCH_ROWS):
            await self._store.upsert(rows(read(path, first, BATCH_ROWS), first))
        await self._store.statistics()

    async def ms(self, number: int) -> float:
        """Milliseconds that one search takes."""
        began = time.perf_counter()
        await self._store.search(self._queries[number], Page(TOP_K), Filter())
        return 1000 * (time.perf_counter() - began)

    async def stop(self) -> None:
        """Ends the server."""
        await self._store.close()
        self._server.stop()
