"""A search process whose index is filled at once: real service, matrix and gRPC, but no Milvus.

Arguments: the rows' file, how many rows, the port. Writes one line of JSON to standard error when
it serves: by how many bytes its memory grew while it took the rows in, and how many seconds that
took.
"""

import asyncio
import ctypes
import gc
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from bench.clustered_vectors import DIMENSIONS, Vectors, read
from facet.search.v1 import search_pb2_grpc
from facetkit import logging
from facetkit.server import FacetServer
from search.adapters.matrix_store import MatrixStore
from search.adapters.sql_holdings import SqlHoldings
from search.adapters.sql_manifest import SqlManifest
from search.domain import Item, ModelInfo, Row, VectorStore, key_of
from search.index import Index
from search.reconciling import Reconciling
from search.service import SearchService
from search.servicer import SERVICE_NAME, SearchServicer
from tests.databases import SqliteDatabases
from tests.search.fakes import FakeEmbedder, MemoryCollections, MemoryVectorStore
from tests.search.parts import connected

BATCH_ROWS = 1000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MODEL = ModelInfo("bench", "1", "bench", DIMENSIONS)


class Forgetful(MemoryVectorStore):
    """A durable store that keeps nothing, so that the matrix's memory is measured alone."""

    async def upsert(self, rows: Sequence[Row]) -> None:
        """Takes note of nothing."""


class ForgetfulCollections(MemoryCollections):
    """The matrix over stores that keep nothing."""

    def store(self) -> Any:
        """A store that is not open yet."""
        return MatrixStore(Forgetful(self.kept))


def rows(vectors: Vectors, first: int) -> list[Row]:
    """Rows whose sizes are their numbers; every tenth is a PNG under a key of the bucket's own."""
    return [Row(item(first + number), vector) for number, vector in enumerate(vectors)]


def item(number: int) -> Item:
    """The item of one row."""
    item_id = hashlib.sha256(str(number).encode()).hexdigest()
    content_type = "image/jpeg" if number % 10 else "image/png"
    key = key_of(item_id, content_type) if number % 10 else f"products/ring {number}.png"
    created_at = BEGIN + timedelta(seconds=number)
    return Item(item_id, key, content_type, number, number % 4000, number % 3000, created_at)


async def fill(store: VectorStore, path: Path, count: int) -> dict[str, float]:
    """Upserts all rows; what that took."""
    before, began = resident_bytes(), time.perf_counter()
    for first in range(0, count, BATCH_ROWS):
        await store.upsert(rows(read(path, first, BATCH_ROWS), first))
    took_s = time.perf_counter() - began
    return {"bytes": resident_bytes() - before, "seconds": took_s}


def resident_bytes() -> int:
    """Resident memory once what is free was given back, as the service does each second."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(psutil.Process().memory_info().rss)


async def main() -> None:
    """Fills the index and serves until it is told to stop."""
    path, count, port = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    logging.configure("search")
    with tempfile.TemporaryDirectory() as folder:
        async with connected(SqliteDatabases(Path(folder)).migrated()) as database:
            manifest, holdings = SqlManifest(database.engine), SqlHoldings(database.engine)
            reconciling = Reconciling(manifest, holdings)
            index = Index(ForgetfulCollections(), [FakeEmbedder(MODEL)], holdings, reconciling)
            await index.open()
            took = await fill(index.active.store, path, count)
            server = FacetServer()
            await register(server, SearchService(index, manifest, holdings))
            await server.start(f"127.0.0.1:{port}")
            print(json.dumps(took), file=sys.stderr, flush=True)
            await server.run_until_signal(drain_s=0, grace_s=1)
            await index.close()


async def register(server: FacetServer, service: SearchService) -> None:
    """Adds the service; storing, grouping and jobs have no part in this."""
    nothing: Any = None
    servicer = SearchServicer(service, nothing, nothing, nothing)
    add = search_pb2_grpc.add_SearchServiceServicer_to_server
    await server.register(SERVICE_NAME, add, servicer)


if __name__ == "__main__":
    asyncio.run(main())
