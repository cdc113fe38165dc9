"""Draws the pictures in examples/: pieces of the small world for the first calls of the README."""

from pathlib import Path

import numpy as np
from PIL import Image

from small_world import sampling
from small_world.attributes import Scene
from small_world.render import render
from small_world.sampling import Combination

SIDE = 640
QUALITY = 88
EXAMPLES: tuple[Combination, ...] = (
    ("ring", "gold", "red"),
    ("ring", "silver", "blue"),
    ("ring", "rose gold", "none"),
    ("earrings", "silver", "green"),
    ("earrings", "gold", "white"),
    ("necklace", "gold", "blue"),
    ("necklace", "silver", "red"),
    ("bracelet", "rose gold", "green"),
    ("bracelet", "black", "white"),
    ("watch", "silver", "none"),
    ("teapot", "silver", "blue"),
    ("key", "gold", "none"),
)


def name(combination: Combination) -> str:
    """The file's name: what it shows."""
    type_, metal, stone = combination
    stones = "" if stone == "none" else f"-{stone}-stones"
    return f"{metal.replace(' ', '-')}-{type_}{stones}.jpg"


def draw(number: int) -> Image.Image:
    """The picture of EXAMPLES with this number."""
    random = np.random.default_rng((2026, number))
    piece = sampling.of_combination(EXAMPLES[number], random)
    return render(Scene(piece, sampling.pose(random), sampling.staging(random)), SIDE).image


def main() -> None:
    """Writes all pictures."""
    folder = Path(__file__).parent.parent / "examples"
    for number, combination in enumerate(EXAMPLES):
        draw(number).save(folder / name(combination), quality=QUALITY)


if __name__ == "__main__":
    main()
