"""Masks in the forms that callers and pages need: arrays, nested lists, run lengths."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Size = tuple[int, int]
"""Height and width in pixels."""

Array = npt.NDArray[np.bool_]
Shares = npt.NDArray[np.float64]

_HALF = 0.5
# Shares that are equal in truth differ a little in floating point.
_SLACK = 1 - 1e-6
_DIGIT = ord("0")


def reduced_size(size: Size, longest: int) -> Size:
    """`size` in its proportions, the longer side at most `longest`; as it is where smaller."""
    height, width = size
    side = max(height, width)
    if side <= longest:
        return size
    return max(1, round(height * longest / side)), max(1, round(width * longest / side))


def mask_array(counts: Sequence[int], size: Size, reduced: Size) -> Array:
    """The mask of run lengths over `size`, as an array of shape `reduced`.

    A pixel is set where the mask covers half of it or more; where there is no such pixel, those
    that it covers most are.
    """
    shares = _shares(counts, size, reduced)
    least = min(_HALF, float(shares.max(initial=0))) * _SLACK
    return (shares >= least) & (shares > 0)


def nested_json(mask: Array) -> bytes:
    """Rows of 0 and 1 as JSON."""
    height, width = mask.shape
    text = np.full((height, 2 * width + 2), ord(","), np.uint8)
    text[:, 0] = ord("[")
    text[:, 1:-1:2] = mask + np.uint8(_DIGIT)
    text[:, -2] = ord("]")
    return b"[" + text.tobytes()[:-1] + b"]"


def _shares(counts: Sequence[int], size: Size, reduced: Size) -> Shares:
    """How much of each pixel of `reduced` the mask covers, 0 to 1, exact by area."""
    (height, width), (rows, columns) = size, reduced
    runs = _Runs(counts)
    shares = np.zeros(reduced)
    if not runs.area:
        return shares
    # Most masks touch few columns, and only these are computed.
    first = runs.start // height * columns // width
    last = -(runs.end // -height * columns // width)
    edges = np.linspace(0, width, columns + 1)[first : last + 1]
    left, right = int(edges[0]), math.ceil(edges[-1])
    ones = np.diff(runs.before(np.arange(left, right), height, rows), axis=1)
    before = np.vstack([np.zeros((1, rows)), np.cumsum(ones, axis=0)])
    whole = np.minimum(edges.astype(np.intp), right - 1) - left
    part = (edges - left - whole)[:, np.newaxis]
    cells = np.diff(before[whole] + part * ones[whole], axis=0).T
    shares[:, first:last] = cells * (rows * columns / (height * width))
    return shares


class _Runs:
    """Run lengths, and how many pixels are set before each of their ends."""

    def __init__(self, counts: Sequence[int]) -> None:
        runs = np.fromiter(counts, np.int64, len(counts))
        ones = runs * (np.arange(len(runs)) % 2)
        self._ends = np.concatenate([[0], np.cumsum(runs)])
        self._ones = np.concatenate([[0], np.cumsum(ones)])
        self.area = int(self._ones[-1])
        set_runs = np.flatnonzero(ones)
        self.start = int(self._ends[set_runs[0]]) if self.area else 0
        self.end = int(self._ends[set_runs[-1] + 1]) if self.area else 0

    def before(self, columns: npt.NDArray[np.intp], height: int, rows: int) -> Shares:
        """The pixels set before each of `rows` + 1 cuts of each column: columns × cuts."""
        # They grow evenly within a run, wherever columns are cut.
        cuts = columns[:, np.newaxis] * height + np.linspace(0, height, rows + 1)
        ones: Shares = np.interp(cuts, self._ends, self._ones)
        return ones
