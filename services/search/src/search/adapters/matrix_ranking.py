"""The rows of a matrix that are nearest to queries, ranked the same way however they are found.

Scans and products each sum in an order of their own, so they only propose rows. The scores that
count are taken anew, one way for all; and where a row that was not proposed might belong to the
answer, more rows are asked for. Thus no query's answer depends on its company.
"""

from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np
import numpy.typing as npt

from search.adapters.matrix_codes import Codes, Vectors, decoded
from search.adapters.matrix_filter import Accepted
from search.adapters.matrix_products import EachNear, multiplied
from search.adapters.matrix_scan import Near, Scores, scanned
from search.domain import Vector

MIN_BATCH = 8
"""Below it, scans are cheaper than decoding all rows."""

_SPARE = 8
"""Rows proposed besides those asked for."""
_ROUNDING = np.float32(1e-5)
"""More than two ways of summing one product differ by, for unit vectors."""
_CHUNK_ROWS = 4096


def nearest(
    codes: Codes,
    helper: Executor,
    queries: Vectors,
    counts: Sequence[int],
    accepted: Accepted | None,
) -> list[Near]:
    """For each query at least as many rows as are asked for, and all that tie with them.

    Every count is at least 1, and at most the number of accepted rows.
    """
    total = len(codes) if accepted is None else accepted.total
    near: list[Near | None] = [None] * len(counts)
    if len(counts) >= MIN_BATCH and np.isfinite(queries).all():
        asked = min(max(counts) + _SPARE, total)
        proposed = multiplied(codes, helper, queries, asked, accepted)
        near = _checked(codes, queries, counts, proposed, complete=asked == total)
    return [
        each or _nearest(codes, helper, query, count, accepted)
        for each, query, count in zip(near, queries, counts, strict=True)
    ]


def _nearest(
    codes: Codes, helper: Executor, query: Vector, count: int, accepted: Accepted | None
) -> Near:
    asked = count + _SPARE
    while True:
        scores, places = scanned(codes, helper, query, asked, accepted)
        proposed = scores[np.newaxis], places[np.newaxis]
        complete = len(places) < asked
        near = _checked(codes, query[np.newaxis], [count], proposed, complete=complete)[0]
        if near is not None:
            return near
        asked *= 4


def _checked(
    codes: Codes, queries: Vectors, counts: Sequence[int], proposed: EachNear, *, complete: bool
) -> list[Near | None]:
    """The rows proposed with their scores; None where other rows might be as near."""
    roughly, places = proposed
    scores = _scores(codes, queries, places)
    if complete:
        return list(zip(scores, places, strict=True))
    ranked = np.sort(scores, axis=1)
    farther = roughly.min(axis=1) + _ROUNDING
    return [
        (scores[number], places[number]) if ranked[number, -count] > farther[number] else None
        for number, count in enumerate(counts)
    ]


def _scores(codes: Codes, queries: Vectors, places: npt.NDArray[np.int64]) -> Scores:
    """The scores of rows, shape (queries, rows), to the bit the same in any company."""
    flat = places.ravel()
    owners = np.repeat(np.arange(len(queries)), places.shape[1])
    scores = np.empty(len(flat), np.float32)
    buffer = np.empty((min(_CHUNK_ROWS, len(flat)), queries.shape[1]), np.int32)
    for start in range(0, len(flat), _CHUNK_ROWS):
        chunk = slice(start, start + _CHUNK_ROWS)
        vectors = decoded(codes.take(flat[chunk]), buffer)
        scores[chunk] = np.einsum("ij,ij->i", vectors, queries[owners[chunk]])
    return scores.reshape(places.shape)
