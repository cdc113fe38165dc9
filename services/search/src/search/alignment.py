"""Lays one small picture on another: Gauss-Newton over scale, shift and exposure.

After Lucas and Kanade, "An iterative image registration technique" (1981), coarse to fine.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

_COARSE, _COARSE_ROUNDS, _FINE_ROUNDS = 8, 6, 5
_LEAST_ALIKE = 0.5
"""The least correlation as they lie; less is not worth the steps."""
_LEAST_EXPLAINED = 0.7
_LEAST_OVERLAP = 0.5
_GREATEST_STEP = 0.25
_GREATEST_STRETCH = 0.5
_LEAST_GAIN, _GREATEST_GAIN = 0.5, 2.0
_SETTLED = 2e-3
_DAMPING = np.array([0.01, 0.01, 0.01, 0.01, 0, 0])

Floats = npt.NDArray[np.float64]

Cells = Floats
"""side × side × channels, the luminance first."""

_Warp = Floats
"""Scale across and down, shift right and down in half sides, gain, and bias of the luminance."""


def left_over(moved: Cells, still: Cells) -> Cells | None:
    """What differs between `still` and `moved` laid on it; 0 where they do not overlap.

    None where `moved` does not lie on `still`, and where either is flat. Most crops of a tenth
    do, few of a fifth.
    """
    small, goal = reduced(moved, _COARSE), reduced(still, _COARSE)
    if not _alike(small, goal):
        return None
    warp = _fit(small, goal, np.array([1.0, 1.0, 0.0, 0.0, 1.0, 0.0]), _COARSE_ROUNDS)
    if warp is None or not _explained(_apart(small, goal, warp), goal):
        return None
    warp = _fit(moved, still, warp, _FINE_ROUNDS)
    return None if warp is None else _apart(moved, still, warp)


def reduced(cells: Cells, side: int) -> Cells:
    """Means over square blocks, `side` of them across and down."""
    by = len(cells) // side
    means: Cells = cells.reshape(side, by, side, by, -1).mean(axis=(1, 3))
    return means


def _alike(one: Cells, other: Cells) -> bool:
    a, b = (each[..., 0] - each[..., 0].mean() for each in (one, other))
    return bool((a * b).mean() > _LEAST_ALIKE * a.std() * b.std())


def _explained(apart: Cells, goal: Cells) -> bool:
    unexplained = np.square(apart[..., 0]).mean()
    return bool(unexplained <= (1 - _LEAST_EXPLAINED) * goal[..., 0].var())


def _fit(moved: Cells, still: Cells, warp: _Warp, rounds: int) -> _Warp | None:
    """A better warp; None where the steps lead astray."""
    luminance, half = moved[..., 0], len(moved) / 2
    down, right = np.gradient(luminance)
    fields = np.stack([luminance, right * half, down * half], axis=-1)
    goal = still[..., 0].ravel()
    for _ in range(rounds):
        step = _step(fields, goal, warp)
        warp = np.concatenate([warp[:4] + step[:4], step[4:]])
        if not _plausible(warp, len(moved)):
            return None
        if np.abs(step[:4]).max() < _SETTLED:
            break
    return warp


def _step(fields: Cells, goal: Floats, warp: _Warp) -> Floats:
    """What to add to scale and shift, and the new gain and bias."""
    x, y, inside = _looked_up(len(fields), warp)
    value, right, down = _sampled(fields, x[inside], y[inside]).T
    across, along = (each[inside] for each in _centres(len(fields)))
    slopes = np.stack([right * across, down * along, right, down, value, np.ones_like(value)])
    normal = slopes @ slopes.T
    # A flat picture has no slopes: the damping keeps the system solvable.
    normal[np.diag_indices(6)] += normal.diagonal() * _DAMPING + 1e-6 * len(goal)
    solved = np.linalg.solve(normal, slopes @ goal[inside])
    gain = min(max(solved[4], _LEAST_GAIN), _GREATEST_GAIN)
    bounded = np.clip(solved[:4] / gain, -_GREATEST_STEP, _GREATEST_STEP)
    return np.concatenate([bounded, solved[4:]])


def _plausible(warp: _Warp, side: int) -> bool:
    if np.abs(warp[:2] - 1).max() > _GREATEST_STRETCH:
        return False
    _, _, inside = _looked_up(side, warp)
    return bool(_LEAST_GAIN < warp[4] < _GREATEST_GAIN and inside.mean() >= _LEAST_OVERLAP)


@cache
def _centres(side: int) -> tuple[Floats, Floats]:
    """Of all cells row by row, -1 to 1: how far across and how far down."""
    along = (np.arange(side) + 0.5) / side * 2 - 1
    return np.tile(along, side), np.repeat(along, side)


def _looked_up(side: int, warp: _Warp) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Where each cell of `still` lies in `moved`, and whether that is inside it."""
    across, along = _centres(side)
    x, y = warp[0] * across + warp[2], warp[1] * along + warp[3]
    return x, y, (np.abs(x) <= 1) & (np.abs(y) <= 1)


def _sampled(fields: Cells, x: Floats, y: Floats) -> Floats:
    """Bilinear: points × channels."""
    side = len(fields)
    u, v = (np.clip((each + 1) * (side / 2) - 0.5, 0, side - 1.001) for each in (x, y))
    column, row = u.astype(int), v.astype(int)
    right, down = (u - column)[:, None], (v - row)[:, None]
    flat, first = fields.reshape(side * side, -1), row * side + column
    above = flat[first] * (1 - right) + flat[first + 1] * right
    below = flat[first + side] * (1 - right) + flat[first + side + 1] * right
    sampled: Floats = above * (1 - down) + below * down
    return sampled


def _apart(moved: Cells, still: Cells, warp: _Warp) -> Cells:
    x, y, inside = _looked_up(len(moved), warp)
    laid = _sampled(moved, x, y) * warp[4]
    laid[:, 0] += warp[5]
    apart: Cells = ((laid - still.reshape(laid.shape)) * inside[:, None]).reshape(still.shape)
    return apart
