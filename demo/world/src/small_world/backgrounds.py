"""What a piece lies on."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from small_world.canvas import Plane, noise

Pixels = NDArray[np.float32]
"""Height × width × 3, 0–255."""


def paint(name: str, side: int, light_angle: float, random: np.random.Generator) -> Image.Image:
    """The background by name, brighter towards the light."""
    y, x = (np.mgrid[0:side, 0:side] / side - 0.5).astype(np.float32)
    angle = np.radians(light_angle)
    slope = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    shade = 1 + slope * np.float32(random.uniform(0.05, 0.3))
    pixels = _BACKGROUNDS[name](side, random) * shade[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _between(plane: Plane, low: tuple[int, int, int], high: tuple[int, int, int]) -> Pixels:
    start, end = np.array(low, np.float32), np.array(high, np.float32)
    pixels: Pixels = start + (end - start) * np.clip(plane, 0, 1)[..., None]
    return pixels


def _paper(low: tuple[int, int, int], high: tuple[int, int, int]) -> Callable[..., Pixels]:
    def paper(side: int, random: np.random.Generator) -> Pixels:
        return _between(noise(random, side, 3), low, high)

    return paper


def _marble(side: int, random: np.random.Generator) -> Pixels:
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    bend = noise(random, side, 4) + 0.4 * noise(random, side, 11)
    lean = np.float32(random.uniform(-1, 1))
    veins = np.abs(np.sin((x + y * lean) * 5 + bend * 7)) ** 0.35
    return _between(veins * 0.8 + noise(random, side, 5) * 0.2, (150, 152, 160), (240, 240, 242))


def _wood(side: int, random: np.random.Generator) -> Pixels:
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    if random.random() < 0.5:
        x, y = y, x
    rings = np.sin(x * 26 + noise(random, side, 3) * 9 + y * 2)
    fibre = noise(random, side, min(side - 1, 60))
    low, high = (
        ((84, 50, 28), (150, 100, 62))
        if random.random() < 0.6
        else ((140, 100, 66), (204, 164, 120))
    )
    return _between(0.5 + 0.3 * rings + 0.3 * (fibre - 0.5), low, high)


def _velvet(side: int, random: np.random.Generator) -> Pixels:
    folds = noise(random, side, 3) ** 2 * 0.8 + noise(random, side, 7) * 0.25
    return _between(folds, (34, 8, 52), (128, 62, 158))


def _linen(side: int, random: np.random.Generator) -> Pixels:
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    threads = random.uniform(34, 44)
    weave = np.sin(x * np.float32(threads * 2 * np.pi)) * np.sin(
        y * np.float32(threads * 2 * np.pi)
    )
    return _between(
        0.5 + 0.4 * weave + 0.4 * (noise(random, side, 6) - 0.5), (174, 162, 140), (222, 212, 192)
    )


def _sand(side: int, random: np.random.Generator) -> Pixels:
    grains = noise(random, side, min(side - 1, 90))
    dunes = noise(random, side, 4)
    return _between(0.6 * grains + 0.4 * dunes, (178, 140, 92), (236, 206, 160))


_BACKGROUNDS: dict[str, Callable[[int, np.random.Generator], Pixels]] = {
    "white": _paper((232, 232, 234), (252, 252, 252)),
    "grey": _paper((112, 114, 118), (150, 152, 156)),
    "black": _paper((16, 16, 18), (38, 38, 42)),
    "pink": _paper((238, 190, 204), (252, 216, 226)),
    "mint": _paper((166, 216, 196), (200, 238, 222)),
    "marble": _marble,
    "wood": _wood,
    "velvet": _velvet,
    "linen": _linen,
    "sand": _sand,
}
