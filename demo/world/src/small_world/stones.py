"""Cut stones: a table and a crown of facets that catch the light differently."""

import numpy as np
from PIL import Image, ImageDraw

from small_world.canvas import Projection
from small_world.form import Seat
from small_world.materials import Ramp
from small_world.outlines import Outline

TABLE = 0.52
BEZEL = 1.28


def outline(seat: Seat, shape: str, size: float = 1.0) -> Outline:
    """The girdle of a stone in piece space, `size` times as large."""
    girdle: Outline = _SHAPES[shape] * seat.radius * size + np.array([seat.x, seat.y])
    return girdle


def paint(
    picture: Image.Image,
    girdle: Outline,
    ramp: Ramp,
    light: tuple[float, float],
    random: np.random.Generator,
) -> None:
    """Paints a stone whose girdle is given in pixels."""
    centre = girdle.mean(axis=0)
    table = centre + (girdle - centre) * TABLE
    draw = ImageDraw.Draw(picture)
    corners = len(girdle)
    for corner in range(corners):
        following = (corner + 1) % corners
        out = (girdle[corner] + girdle[following]) / 2 - centre
        towards = float(out @ np.array(light)) / (float(np.linalg.norm(out)) + 1e-9)
        lit = 0.46 - 0.26 * towards + random.uniform(-0.16, 0.16)
        facet = [girdle[corner], girdle[following], table[following], table[corner]]
        draw.polygon(np.array(facet).ravel().tolist(), fill=_colour(ramp, lit))
    draw.polygon(table.ravel().tolist(), fill=_colour(ramp, 0.6 + random.uniform(-0.06, 0.1)))
    half = table[: corners // 2 + 1]
    draw.polygon(half.ravel().tolist(), fill=_colour(ramp, 0.74 + random.uniform(-0.06, 0.08)))
    reach = np.linalg.norm(girdle - centre, axis=1).mean()
    glint = centre + np.array(light) * reach * 0.45
    draw.polygon((_SPARK * reach * 0.2 + glint).ravel().tolist(), fill=_colour(ramp, 1.0))


def girdles_of(seats: list[Seat], shape: str, projection: Projection) -> list[Outline]:
    """The girdles of all stones in pixels."""
    return [projection(outline(seat, shape)) for seat in seats]


def _colour(ramp: Ramp, lit: float) -> tuple[int, int, int]:
    red, green, blue = ramp[int(np.clip(lit, 0, 1) * 255)]
    return int(red), int(green), int(blue)


def _round(corners: int) -> Outline:
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False) + np.pi / corners
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _square() -> Outline:
    cut = 0.86
    corners = [
        (cut, 1),
        (1, cut),
        (1, -cut),
        (cut, -1),
        (-cut, -1),
        (-1, -cut),
        (-1, cut),
        (-cut, 1),
    ]
    return np.array(corners, np.float64) * 0.88


def _drop() -> Outline:
    angles = np.linspace(0, 2 * np.pi, 14, endpoint=False) - np.pi / 2
    lean = (1 - np.sin(angles)) / 2
    width = np.cos(angles) * (1 - lean**2 * 0.62)
    return np.stack([width * 0.86, np.sin(angles) * (1 + lean * 0.42) + 0.1], axis=1)


def _marquise() -> Outline:
    angles = np.linspace(0, 2 * np.pi, 14, endpoint=False) - np.pi / 2
    width = np.cos(angles) * np.abs(np.cos(angles)) ** 0.35
    return np.stack([width * 0.6, np.sin(angles) * 1.42], axis=1)


_SHAPES = {"round": _round(12), "square": _square(), "drop": _drop(), "marquise": _marquise()}
_SPARK = _round(4)
