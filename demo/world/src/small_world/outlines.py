"""Lines and polygons as arrays of points."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Outline = NDArray[np.float64]
"""Corners of a filled polygon, points × 2."""


def arc(centre: Point, width: float, height: float, start: float, end: float) -> list[Point]:
    """Points on an ellipse from one angle to another, in degrees clockwise from the right."""
    angles = np.radians(np.linspace(start, end, 33))
    xs, ys = centre[0] + np.cos(angles) * width, centre[1] + np.sin(angles) * height
    return [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]


def along(points: Sequence[Point] | Outline, places: NDArray[np.float64]) -> Outline:
    """The points at these parts (0–1) of a line's length."""
    line = np.asarray(points, np.float64)
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    lengths = np.concatenate([[0.0], np.cumsum(steps)])
    at = places * lengths[-1]
    xs = np.interp(at, lengths, line[:, 0])
    ys = np.interp(at, lengths, line[:, 1])
    return np.stack([xs, ys], axis=1)


def smoothed(steps: Outline) -> Outline:
    """A line with soft corners and the same ends: Chaikin's corner cutting, twice."""
    for _ in range(2):
        near, far = steps[:-1], steps[1:]
        cut = np.stack([near * 0.75 + far * 0.25, near * 0.25 + far * 0.75], axis=1)
        steps = np.concatenate([steps[:1], cut.reshape(-1, 2), steps[-1:]])
    return steps


def regular(corners: int) -> Outline:
    """A regular polygon in the circle of radius 1, one edge to the right."""
    angles = (np.arange(corners) + 0.5) * 2 * np.pi / corners
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)
