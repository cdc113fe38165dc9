"""Whether a collection finds what it should: its answers against exact ones."""

import numpy as np
import numpy.typing as npt

from search.domain import Filter, Page, Row, VectorStore

QUERIES = 32
NEAREST = 10
_ROUNDING = 2e-3

Matrix = npt.NDArray[np.float32]


async def recall(store: VectorStore) -> float:
    """Share of the exact 10 nearest rows that searches find, for 32 of the collection's rows.

    1.0 for an empty collection. A row as close as the tenth counts as one of the ten.
    """
    golden: list[Row] = []
    best: Matrix = np.zeros((0, 0), np.float32)
    async for rows in store.rows():
        if not golden:
            golden = rows[:QUERIES]
            best = np.full((len(golden), 0), -1, np.float32)
        queries = np.stack([row.vector for row in golden])
        scores = queries @ np.stack([row.vector for row in rows]).T
        best = -np.sort(-np.hstack([best, scores]), axis=1)[:, :NEAREST]
    shares = [await _found(store, row, exact) for row, exact in zip(golden, best, strict=True)]
    return float(np.mean(shares)) if shares else 1.0


async def _found(store: VectorStore, row: Row, exact: Matrix) -> float:
    found = await store.search(row.vector, Page(top_k=len(exact)), Filter())
    right = [hit for hit in found.hits if hit.score >= float(exact[-1]) - _ROUNDING]
    return len(right) / len(exact)
