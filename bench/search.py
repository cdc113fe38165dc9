"""`make bench-search`: searches through gRPC against loops over the same rows in one process.

The loops, numpy's over fp32 and faiss's over fp16, have one thread each; Milvus Lite is asked
through MilvusStore. All take turns, one query at a time, so that a machine whose speed drifts bends
all of them: ratios count. Variables: BENCH_SIZES, BENCH_QUERIES, BENCH_RECALL_QUERIES,
BENCH_LITE_ROWS (0: without it), BENCH_RATE_S.
"""

import asyncio
import os
import tempfile
from pathlib import Path

import numpy as np

from bench.clustered_vectors import ClusteredVectors, Vectors
from bench.lite_search import LiteSearch
from bench.search_report import Results, markdown
from bench.search_rounds import latencies, rates, recall
from bench.searched import Floor, Search

SIZES = [int(size) for size in os.environ.get("BENCH_SIZES", "100000,500000").split(",")]
QUERIES = int(os.environ.get("BENCH_QUERIES", "200"))
RECALL_QUERIES = int(os.environ.get("BENCH_RECALL_QUERIES", "1000"))
LITE_ROWS = int(os.environ.get("BENCH_LITE_ROWS", "100000"))
RATE_S = float(os.environ.get("BENCH_RATE_S", "4"))


async def measure(folder: Path, count: int) -> Results:
    """All of one size."""
    vectors = ClusteredVectors()
    vectors.write(folder / "rows", count)
    queries = vectors.draw(max(QUERIES, RECALL_QUERIES))
    np.save(folder / "queries.npy", queries)
    floor = Floor(folder / "rows", folder / "queries.npy", count)
    search = Search(folder / "rows", queries, count)
    lite = await filled_lite(folder, queries, count)
    try:
        return Results(
            count,
            search.filling["bytes"] / count,
            await latencies(floor, search, lite, QUERIES),
            await recall(floor, search),
            await rates(search, RATE_S),
        )
    finally:
        floor.stop()
        await search.stop()
        if lite:
            await lite.stop()


async def filled_lite(folder: Path, queries: Vectors, count: int) -> LiteSearch | None:
    """Milvus Lite, where it is asked for at this size."""
    if count > LITE_ROWS:
        return None
    lite = LiteSearch(folder / "lite", queries)
    await lite.fill(folder / "rows", count)
    return lite


def main() -> None:
    """Measures each size in turn and prints the section for the README."""
    measured = []
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            measured.append(asyncio.run(measure(Path(folder), size)))
    print(markdown(measured))


main()
