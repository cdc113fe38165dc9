"""Masks at the model's working size → run lengths, boxes and rings in pixels of the original."""

from typing import cast

import numpy as np
import numpy.typing as npt
from contourpy import FillType, contour_generator

from vision_models.segmentation_domain import Bits, Box, Mask, Part, Ring

Indices = npt.NDArray[np.int64]
Corners = npt.NDArray[np.float64]
FilledByOffsets = tuple[list[Corners], list[npt.NDArray[np.uint32]]]
"""Per piece the points of all its rings, the outer one first, and where each ring ends."""


def part(mask: Mask, width: int, height: int) -> Part:
    """The mask in a picture of width × height pixels, which is no smaller than the mask."""
    counts = run_lengths(mask.bits, width, height)
    outer, holes = rings(mask.bits, width, height)
    return Part(
        counts=counts,
        area=int(counts[1::2].sum()),
        box=box_around(mask.bits, width, height),
        predicted_iou=mask.predicted_iou,
        stability=mask.stability,
        outer=outer,
        holes=holes,
    )


def run_lengths(bits: Bits, width: int, height: int) -> Indices:
    """COCO's uncompressed run lengths of the mask enlarged to width × height.

    Column by column, of 0 and 1 in turn, beginning with 0. Nothing of the full size is made but
    where the values change.
    """
    rows, columns = bits.shape
    across = np.repeat(np.arange(columns), np.diff(_starts(columns, width)))
    by_column = bits.T[across].reshape(-1)
    changes = np.flatnonzero(by_column[1:] != by_column[:-1]) + 1
    places = changes // rows * height + _starts(rows, height)[changes % rows]
    begins = [0, 0] if by_column[0] else [0]
    return np.diff(np.concatenate([begins, places, [width * height]]))


def box_around(bits: Bits, width: int, height: int) -> Box:
    """The smallest box around the enlarged mask; four zeros where it is empty."""
    left, top, right, bottom = _bounds(bits)
    down, across = _starts(bits.shape[0], height), _starts(bits.shape[1], width)
    return (float(across[left]), float(down[top]), float(across[right]), float(down[bottom]))


def rings(bits: Bits, width: int, height: int) -> tuple[Ring, tuple[Ring, ...]]:
    """The largest connected piece as its outer ring and those of its holes.

    They run along the pixels' edges, corners cut. Empty where the mask is.
    """
    left, top, right, bottom = _bounds(bits)
    # Of the part alone, in a border of zeros, which closes the rings of what touches an edge.
    levels = np.pad(bits[top:bottom, left:right], 1).astype(float)
    contours = contour_generator(z=levels, fill_type=FillType.OuterOffset)
    points, offsets = cast(FilledByOffsets, contours.filled(0.5, 2.0))
    pieces = [np.split(corners, ends[1:-1]) for corners, ends in zip(points, offsets, strict=True)]
    if not pieces:
        return np.empty((0, 2), np.float32), ()
    largest = max(pieces, key=lambda piece: sum(map(_signed_area, piece), start=0.0))
    scale = np.array([width / bits.shape[1], height / bits.shape[0]])
    corner = np.array([left, top]) - 0.5
    outer, *holes = (((_corners(ring) + corner) * scale).astype(np.float32) for ring in largest)
    return outer, tuple(holes)


def _bounds(bits: Bits) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in pixels of the mask, the last two outside; zeros where empty."""
    rows, columns = np.flatnonzero(bits.any(axis=1)), np.flatnonzero(bits.any(axis=0))
    if not rows.size:
        return (0, 0, 0, 0)
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _starts(few: int, many: int) -> Indices:
    """Where each of `few` pixels begins among `many`, and where the last one ends."""
    starts: Indices = -(-np.arange(few + 1) * many // few)
    return starts


def _signed_area(ring: Corners) -> float:
    """Of one turning direction positive, so that holes count against the outer ring."""
    x, y = ring.T
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


def _corners(ring: Corners) -> Corners:
    """The points of a closed ring at which it turns; the first is not repeated."""
    points = ring[:-1]
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    corners: Corners = points[before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]]
    return corners
