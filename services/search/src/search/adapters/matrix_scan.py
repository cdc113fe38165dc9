"""The rows of a matrix that are nearest to one query, read straight from their fp16 codes."""

from collections.abc import Iterable
from concurrent.futures import Executor
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from search.adapters.matrix_codes import Block, Codes
from search.adapters.matrix_filter import Accepted
from search.adapters.matrix_threads import with_help
from search.domain import Vector

Scores = npt.NDArray[np.float32]
Near = tuple[Scores, npt.NDArray[np.int64]]
"""Scores and places of rows."""


def scanned(
    codes: Codes, helper: Executor, query: Vector, count: int, accepted: Accepted | None
) -> Near:
    """The `count` nearest rows, in no order."""

    def scan(blocks: Iterable[Block]) -> list[Near]:
        return [_scan(block, query, count, accepted) for block in blocks]

    found = with_help(helper, scan, codes.blocks)
    scores, places = (np.concatenate(each) for each in zip(*found, strict=True))
    if len(scores) > count:
        best = np.argpartition(scores, -count)[-count:]
        scores, places = scores[best], places[best]
    return scores, places


def _scan(block: Block, query: Vector, count: int, accepted: Accepted | None) -> Near:
    parameters = None if accepted is None else _parameters(block, accepted)
    scores, rows = block.index.search(query[np.newaxis], min(count, len(block)), params=parameters)
    there = rows[0] >= 0
    return scores[0][there], rows[0][there] + block.first


def _parameters(block: Block, accepted: Accepted) -> Any:
    """What lets faiss pass over rows. Its stubs describe C++, not the Python over it."""
    make_parameters: Any = faiss.SearchParameters
    make_selector: Any = faiss.IDSelectorBitmap
    return make_parameters(sel=make_selector(accepted.bits_of(block.first, len(block))))
