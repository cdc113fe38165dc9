"""The perceptual fingerprint: a thumbnail of 32 × 32 colours, and how far apart two of them are.

Thumbnails as in Torralba, Fergus and Freeman's "80 million tiny images" (2008). The usual signs
of DCT coefficients are not enough: they stay the same in another metal and with another stone.
"""

import math

import numpy as np
import numpy.typing as npt

from search.alignment import Cells, Floats, left_over, reduced

SIDE = 32
"""Cells across and down, whatever the picture's aspect ratio."""

_VERSION = 1
_TO_YCC = np.array([[0.299, -0.169, 0.5], [0.587, -0.331, -0.419], [0.114, 0.5, -0.081]])
_SOFTENING = 4.0
"""Keeps noise in flat pictures from counting as contrast."""
_FORGIVEN_CELLS = 0.5
"""How far an edge may lie from where it should."""
_DETAIL = 0.2
_LEAST_DETAILED = 0.1
"""What a picture must show to be told from its like: so steep slopes in so many of its cells."""


def pack(thumbnail: npt.NDArray[np.uint8]) -> bytes:
    """The fingerprint of SIDE × SIDE × 3 RGB, each cell the mean of what it covers."""
    return bytes([_VERSION]) + thumbnail.tobytes()


def difference(a: bytes, b: bytes) -> float:
    """The greatest local difference in colour, in units of the weaker picture's contrast.

    Infinite between fingerprints of different versions, here as below.
    """
    if not _comparable(a, b):
        return math.inf
    one, other = _cells(a), _cells(b)
    apart = np.abs(_halved(one - other))
    return float(apart.max() / min(_contrast(one), _contrast(other)))


def aligned_difference(a: bytes, b: bytes) -> float:
    """As `difference` with one laid on the other, for crops and other exposures.

    Infinite where one does not lie on the other, or shows too little to tell. Symmetric.
    """
    if not _comparable(a, b):
        return math.inf
    one, other = _cells(min(a, b)), _cells(max(a, b))
    apart = left_over(one, other)
    if apart is None or min(_detailed(one), _detailed(other)) < _LEAST_DETAILED:
        return math.inf
    edges = _halved(_slopes(other)[..., None]) * _FORGIVEN_CELLS
    tolerated = min(_contrast(one), _contrast(other)) + edges
    return float((np.abs(_halved(apart)) / tolerated).max())


def _comparable(a: bytes, b: bytes) -> bool:
    return len(a) == len(b) == 1 + SIDE * SIDE * 3 and a[0] == b[0] == _VERSION


def _cells(perceptual: bytes) -> Cells:
    """Luminance and two chrominances, each 0–255 wide."""
    rgb = np.frombuffer(perceptual, np.uint8, offset=1).reshape(SIDE, SIDE, 3)
    cells: Cells = rgb @ _TO_YCC
    return cells


def _halved(cells: Cells) -> Cells:
    return reduced(cells, len(cells) // 2)


def _contrast(cells: Cells) -> float:
    return float(cells[..., 0].std()) + _SOFTENING


def _slopes(cells: Cells) -> Floats:
    """By how much the luminance changes from cell to cell."""
    down, right = np.gradient(cells[..., 0])
    slopes: Floats = np.hypot(down, right)
    return slopes


def _detailed(cells: Cells) -> float:
    return float((_slopes(cells) > _DETAIL * _contrast(cells)).mean())
