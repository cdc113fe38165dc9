"""Draws the pictures in examples/: three pieces of jewellery, so that the first curl has a file."""

import itertools
import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

SIDE = 1280
GOLD, SILVER = (212, 168, 60), (190, 194, 204)
Point = tuple[float, float]


def backdrop(inner: tuple[int, int, int], outer: tuple[int, int, int]) -> Image.Image:
    """A soft spot of light on cloth."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    distance = np.clip(np.hypot(x, y + 0.1) * 1.5, 0, 1)[..., None]
    grain = np.random.default_rng(7).normal(0, 2.5, (SIDE, SIDE, 1))
    pixels = np.array(inner) * (1 - distance) + np.array(outer) * distance + grain
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def shadow(picture: Image.Image, shape: Image.Image) -> None:
    """Darkens the cloth below and beside a shape."""
    soft = ImageChops.offset(shape, 18, 30).filter(ImageFilter.GaussianBlur(22))
    picture.paste((30, 26, 34), mask=soft.point(lambda value: value // 2))


def metal(picture: Image.Image, shape: Image.Image, colour: tuple[int, int, int]) -> None:
    """Fills a shape with shining metal: light from the upper left, an edge of dark."""
    shadow(picture, shape)
    height = np.asarray(shape.filter(ImageFilter.GaussianBlur(9)), np.float32)
    slope = np.gradient(height)
    light = np.clip((slope[0] + slope[1]) / 14, -1, 1)[..., None]
    base = np.array(colour, np.float32)
    shaded = np.where(light > 0, base + (255 - base) * light, base * (1 + 0.75 * light))
    picture.paste(Image.fromarray(shaded.astype(np.uint8)), mask=shape)


def stone(picture: Image.Image, centre: Point, radius: float, colour: tuple[int, int, int]) -> None:
    """A round stone of eight facets."""
    draw = ImageDraw.Draw(picture)
    corners = [
        (centre[0] + radius * math.cos(turn), centre[1] + radius * math.sin(turn))
        for turn in (math.tau * step / 8 + 0.2 for step in range(9))
    ]
    for step, (one, other) in enumerate(itertools.pairwise(corners)):
        shade = 0.55 + 0.45 * ((step * 5) % 8) / 7
        draw.polygon([centre, one, other], tuple(int(value * shade) for value in colour))
    glint = (centre[0] - radius * 0.35, centre[1] - radius * 0.4)
    draw.ellipse(circle(glint, radius * 0.16), (255, 255, 255))


def circle(centre: Point, radius: float) -> tuple[float, float, float, float]:
    """The box of a circle."""
    return (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)


def mask() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """An empty shape to draw on."""
    shape = Image.new("L", (SIDE, SIDE))
    return shape, ImageDraw.Draw(shape)


def ring() -> Image.Image:
    """A gold ring with one red stone."""
    picture = backdrop((236, 228, 218), (168, 152, 146))
    shape, draw = mask()
    draw.ellipse((340, 430, 940, 1030), outer := 255)
    draw.ellipse((400, 490, 880, 970), 255 - outer)
    metal(picture, shape, GOLD)
    stone(picture, (640, 400), 118, (204, 24, 52))
    return picture


def necklace() -> Image.Image:
    """A silver chain with five blue stones."""
    picture = backdrop((70, 66, 84), (24, 22, 32))
    shape, draw = mask()
    curve = [(640 + 430 * math.sin(t), 170 + 760 * math.cos(t / 2) ** 2) for t in _steps(90)]
    for point in curve:
        draw.ellipse(circle(point, 15), 255)
    metal(picture, shape, SILVER)
    for offset, radius in ((-200, 42), (-110, 52), (0, 72), (110, 52), (200, 42)):
        stone(picture, (640 + offset, 985 - abs(offset) * 0.42), radius, (34, 92, 214))
    return picture


def earrings() -> Image.Image:
    """Two gold hoops with green drops."""
    picture = backdrop((214, 226, 222), (128, 150, 146))
    shape, draw = mask()
    for x in (410, 870):
        draw.ellipse(circle((x, 470), 170), 255)
        draw.ellipse(circle((x, 480), 138), 0)
        draw.line((x, 240, x, 310), 255, 16)
    metal(picture, shape, GOLD)
    for x in (410, 870):
        stone(picture, (x, 740), 92, (20, 150, 84))
    return picture


def _steps(count: int) -> list[float]:
    return [-math.pi * 0.62 + math.pi * 1.24 * step / (count - 1) for step in range(count)]


def main() -> None:
    """Writes the three pictures."""
    folder = Path(__file__).parent.parent / "examples"
    for name, make in (("ring", ring), ("necklace", necklace), ("earrings", earrings)):
        make().save(folder / f"{name}.jpg", quality=88)


main()
