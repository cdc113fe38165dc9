"""Small things that lie about and do not belong to the piece."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

_COLOURS = {
    "pebbles": ((120, 112, 104), (164, 158, 150), (92, 90, 92)),
    "petals": ((244, 208, 216), (236, 180, 196), (250, 236, 224)),
    "confetti": ((240, 214, 120), (170, 200, 220), (226, 170, 200), (180, 214, 170)),
}
_SIZES = {"pebbles": (0.02, 0.05), "petals": (0.025, 0.05), "confetti": (0.008, 0.016)}


def scatter(picture: Image.Image, kind: str, random: np.random.Generator) -> None:
    """Scatters clutter of a kind over the picture; "none" leaves it as it is."""
    if kind == "none":
        return
    side = picture.width
    draw = ImageDraw.Draw(picture)
    for _ in range(int(random.integers(5, 14))):
        colour = _COLOURS[kind][int(random.integers(len(_COLOURS[kind])))]
        size = random.uniform(*_SIZES[kind]) * side
        _drop(draw, random.uniform(0, side, 2), size, colour, random)


def _drop(
    draw: ImageDraw.ImageDraw,
    at: NDArray[np.float64],
    size: float,
    colour: tuple[int, int, int],
    random: np.random.Generator,
) -> None:
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    turn, squash = random.uniform(0, np.pi), random.uniform(0.45, 0.9)
    flat = np.stack([np.cos(angles), np.sin(angles) * squash], axis=1) * size
    flat = flat * random.uniform(0.85, 1.15, (12, 1))
    cos, sin = np.cos(turn), np.sin(turn)
    corners = flat @ np.array([[cos, sin], [-sin, cos]]) + at
    dark, light = (tuple(int(part * by) for part in colour) for by in (0.55, 1.0))
    for shift, fill in ((np.array([0.12, 0.16]) * size, dark), (np.zeros(2), light)):
        draw.polygon((corners + shift).ravel().tolist(), fill=fill)
