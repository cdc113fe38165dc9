"""`make bench-search`: searches through gRPC against loops over the same rows in one process.

The loops, numpy's over fp32 and faiss's over fp16, have one thread each; Milvus Lite is asked
through MilvusStore. All take turns, one query at a time, so that a machine whose speed drifts bends
all of them: ratios count. Variables: BENCH_SIZES, BENCH_QUERIES, BENCH_LITE_ROWS (0: without it),
BENCH_RATE_S.
"""

import asyncio
import os
import tempfile
from pathlib import Path

import numpy as np

from bench.clustered_vectors import ClusteredVectors, Vectors
from bench.lite_search import LiteSearch
from bench.search_rounds import IN_FLIGHT, latencies, rates, recall
from bench.searched import Floor, Search

SIZES = [int(size) for size in os.environ.get("BENCH_SIZES", "100000,500000").split(",")]
QUERIES = int(os.environ.get("BENCH_QUERIES", "200"))
LITE_ROWS = int(os.environ.get("BENCH_LITE_ROWS", "100000"))
RATE_S = float(os.environ.get("BENCH_RATE_S", "4"))


async def measure(folder: Path, count: int) -> None:
    """All of one size."""
    vectors = ClusteredVectors()
    vectors.write(folder / "rows", count)
    queries = vectors.draw(QUERIES)
    np.save(folder / "queries.npy", queries)
    floor = Floor(folder / "rows", folder / "queries.npy", count)
    search = Search(folder / "rows", queries, count)
    lite = await filled_lite(folder, queries, count)
    try:
        print(f"{count} rows of {vectors.draw(1).size} dimensions, {QUERIES} queries")
        report(search.filling, count)
        compare(await latencies(floor, search, lite, QUERIES))
        print(f"{'recall@10':24}{await recall(floor, search, QUERIES):10.4f}")
        alone, together, ratio = await rates(search, RATE_S)
        print(f"{'1 in flight, per s':24}{alone:10.1f}")
        print(f"{f'{IN_FLIGHT} in flight, per s':24}{together:10.1f}   ÷ 1 in flight {ratio:5.2f}")
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


def report(filling: dict[str, float], count: int) -> None:
    """What taking the rows in cost."""
    print(f"{'bytes a row, resident':24}{filling['bytes'] / count:10.0f}")
    print(f"{'rows taken in, per s':24}{count / filling['seconds']:10.0f}")


def compare(rows: dict[str, list[float]]) -> None:
    """Percentiles, and their ratios to numpy's median."""
    numpy_ms = float(np.median(rows["numpy"]))
    for name, values in rows.items():
        p50, p95 = (float(value) for value in np.percentile(values, (50, 95)))
        ratios = f"÷ numpy's p50 {p50 / numpy_ms:5.2f} {p95 / numpy_ms:5.2f}"
        print(f"{name:24}{p50:10.2f}{p95:10.2f} ms (p50, p95)   {ratios}")


def main() -> None:
    """Measures each size in turn and prints its table."""
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(Path(folder), size))


main()
