"""Vectors rounded to fp16, in blocks that faiss scans. Not thread-safe."""

from collections.abc import Iterator
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from search.domain import Vector

Vectors = npt.NDArray[np.float32]
"""Shape (rows, dimensions)."""
CodeRows = npt.NDArray[np.uint8]
"""fp16 values as faiss keeps them, shape (rows, 2 × dimensions)."""
Indexes = npt.NDArray[np.integer[Any]]

_HALF_TO_SINGLE = np.float32(2.0**112)


class Block:
    """Some rows; `first` is the place of the first one. It grows by `step_rows` at a time."""

    def __init__(self, dimensions: int, first: int, step_rows: int) -> None:
        self.first, self._step_rows = first, step_rows
        self.index = faiss.IndexScalarQuantizer(
            dimensions, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )

    def __len__(self) -> int:
        return int(self.index.ntotal)

    def codes(self) -> CodeRows:
        """The rows themselves, until rows are added."""
        flat = faiss.rev_swig_ptr(self.index.codes.data(), self.index.codes.size())
        view: CodeRows = flat.reshape(-1, self.index.code_size)[: len(self)]
        return view

    def append(self, codes: CodeRows) -> None:
        """Adds rows at the end."""
        before, after = len(self), len(self) + len(codes)
        if after * self.index.code_size > self.index.codes.size():
            steps = -(-after // self._step_rows)
            self.index.codes.resize(steps * self._step_rows * self.index.code_size)
        self.index.ntotal = after
        self.codes()[before:] = codes

    def drop_last(self) -> None:
        """Removes the last row."""
        self.index.ntotal -= 1


class Codes:
    """Rows by place. It grows by a block at a time, so that never all rows are there twice."""

    def __init__(self, dimensions: int, block_rows: int) -> None:
        self.dimensions = dimensions
        self._block_rows = block_rows
        self.blocks: list[Block] = []

    def __len__(self) -> int:
        return self.blocks[-1].first + len(self.blocks[-1]) if self.blocks else 0

    def append(self, vectors: Vectors) -> None:
        """Adds rows at the end."""
        while len(vectors):
            if len(self) % self._block_rows == 0:
                self.blocks.append(Block(self.dimensions, len(self), self._block_rows // 4))
            block = self.blocks[-1]
            room = self._block_rows - len(block)
            block.append(block.index.sa_encode(vectors[:room]))
            vectors = vectors[room:]

    def write(self, places: Indexes, vectors: Vectors) -> None:
        """Replaces rows."""
        if not len(places):
            return
        coded = self.blocks[0].index.sa_encode(vectors)
        for block, chosen in self._by_block(places):
            block.codes()[places[chosen] - block.first] = coded[chosen]

    def remove(self, place: int) -> None:
        """Moves the last row to `place`."""
        last = self.blocks[-1]
        block, row = divmod(place, self._block_rows)
        self.blocks[block].codes()[row] = last.codes()[-1]
        last.drop_last()
        if not len(last):
            self.blocks.pop()

    def take(self, places: Indexes) -> CodeRows:
        """Copies of rows."""
        taken = np.empty((len(places), 2 * self.dimensions), np.uint8)
        for block, chosen in self._by_block(places):
            taken[chosen] = block.codes()[places[chosen] - block.first]
        return taken

    def vector(self, place: int) -> Vector:
        """A row, rounded to fp16."""
        block, row = divmod(place, self._block_rows)
        vector: Any = self.blocks[block].index.reconstruct(row)
        unit: Vector = vector
        return unit

    def _by_block(self, places: Indexes) -> Iterator[tuple[Block, Indexes]]:
        """The blocks that hold these places, with the positions of theirs among them."""
        owners = places // self._block_rows
        for number in np.unique(owners):
            yield self.blocks[number], np.flatnonzero(owners == number)


def decoded(codes: CodeRows, buffer: npt.NDArray[np.int32]) -> Vectors:
    """fp32 values of fp16 codes, in `buffer`, which has at least as many rows.

    Several times faster than numpy's or faiss's own conversion.
    """
    words = buffer[: len(codes)]
    np.copyto(words, codes.view(np.int16))
    # Sign, exponent and fraction to their places; the exponents' biases differ by 112.
    np.left_shift(words, 13, out=words)
    np.bitwise_and(words, np.int32(-0x70000001), out=words)
    singles: Vectors = words.view(np.float32)
    np.multiply(singles, _HALF_TO_SINGLE, out=singles)
    return singles
