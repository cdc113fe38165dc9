"""The rows of a matrix that are nearest to each of many queries, by products of matrices.

Every row is decoded once for all queries, which costs several times less than a scan for each.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor

import faiss
import numpy as np
import numpy.typing as npt

from search.adapters.matrix_codes import Block, CodeRows, Codes, Vectors, decoded
from search.adapters.matrix_filter import Accepted
from search.adapters.matrix_threads import with_help

EachNear = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]
"""Scores and places of rows, shape (queries, rows)."""

_CHUNK_ROWS = 4096


def multiplied(
    codes: Codes, helper: Executor, queries: Vectors, count: int, accepted: Accepted | None
) -> EachNear:
    """The `count` rows nearest to each query, in no order; there are as many."""

    def multiply(blocks: Iterable[Block]) -> list[EachNear]:
        return list(_multiply(blocks, queries, count, accepted))

    found = with_help(helper, multiply, codes.blocks)
    scores, places = (np.concatenate(each, axis=1) for each in zip(*found, strict=True))
    best = np.argpartition(scores, -count, axis=1)[:, -count:]
    return np.take_along_axis(scores, best, axis=1), np.take_along_axis(places, best, axis=1)


def _multiply(
    blocks: Iterable[Block], queries: Vectors, count: int, accepted: Accepted | None
) -> Iterator[EachNear]:
    buffer = np.empty((_CHUNK_ROWS, queries.shape[1]), np.int32)
    for codes, places in _chunks(blocks, accepted):
        products = queries @ decoded(codes, buffer).T
        scores, rows = faiss.kmax(products, min(count, len(codes)))
        yield scores, places[rows]


def _chunks(
    blocks: Iterable[Block], accepted: Accepted | None
) -> Iterator[tuple[CodeRows, npt.NDArray[np.int64]]]:
    for block in blocks:
        codes, rows = block.codes(), np.arange(len(block))
        if accepted is not None:
            rows = accepted.rows_of(block.first, len(block))
            codes = codes[rows]
        for start in range(0, len(rows), _CHUNK_ROWS):
            chunk = slice(start, start + _CHUNK_ROWS)
            yield codes[chunk], block.first + rows[chunk]
