"""The floor of vector search: one thread of one process, with no queue and no network.

Arguments: the rows' file, the queries' file, how many rows. Reads commands from standard input, a
line each, and answers each with one line of JSON: `numpy <query>` and `faiss <query>` with the
milliseconds that one search took, `truth` with the numbers of the rows nearest to each query.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from bench.clustered_vectors import CHUNK_ROWS, DIMENSIONS, Vectors, read

TOP_K = 10


class Floor:
    """All rows twice: as numpy's fp32 and as faiss's fp16."""

    def __init__(self, path: Path, queries: Path, count: int) -> None:
        faiss.omp_set_num_threads(1)
        self._queries = np.load(queries)
        self._rows: Vectors = np.empty((count, DIMENSIONS), np.float32)
        self._index = faiss.IndexScalarQuantizer(
            DIMENSIONS, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        for first in range(0, count, CHUNK_ROWS):
            chunk = read(path, first, min(CHUNK_ROWS, count - first))
            self._rows[first : first + len(chunk)] = chunk
            self._index.add(chunk)

    def answer(self, command: str) -> Any:
        """Milliseconds, or the nearest rows."""
        what, _, number = command.strip().partition(" ")
        if what == "truth":
            return [self._numpy(query) for query in self._queries]
        query = self._queries[int(number)]
        began = time.perf_counter()
        self._faiss(query) if what == "faiss" else self._numpy(query)
        return 1000 * (time.perf_counter() - began)

    def _numpy(self, query: Vectors) -> list[int]:
        scores = self._rows @ query
        nearest = np.argpartition(scores, -TOP_K)[-TOP_K:]
        return [int(place) for place in nearest[np.argsort(-scores[nearest])]]

    def _faiss(self, query: Vectors) -> None:
        self._index.search(query[np.newaxis], TOP_K)


def main() -> None:
    """Loads and answers commands until the input ends."""
    floor = Floor(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps("ready"), flush=True)
    for command in sys.stdin:
        print(json.dumps(floor.answer(command)), flush=True)


main()
