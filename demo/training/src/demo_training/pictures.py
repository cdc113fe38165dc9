"""The training pictures: rendered once, in several processes, into one file."""

import hashlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from demo_training.recipe import Recipe
from small_world import sampling
from small_world.attributes import Scene
from small_world.render import Picture, render

VIEWS = 2
OVERSAMPLING = 2
CHUNK = 128

Pixels = NDArray[np.uint8]
Coverage = NDArray[np.uint8]
"""How much of each cell the piece and its stones cover: … × 2 × cells × cells, 0–255."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Scenes, pixels and coverage by piece and view.

    `pixels` is pieces × VIEWS × side × side × 3, `coverage` pieces × VIEWS × 2 × cells × cells.
    """

    scenes: list[list[Scene]]
    pixels: Pixels
    coverage: Coverage


def render_all(file: Path, recipe: Recipe, processes: int) -> TrainingSet:
    """Renders every view of the recipe's training pieces, the pixels into `file`."""
    pieces, side, cell = recipe.pieces, recipe.image_size, recipe.cell
    pixels: Pixels = np.memmap(file, np.uint8, "w+", shape=(pieces, VIEWS, side, side, 3))
    coverage = np.zeros((pieces, VIEWS, 2, side // cell, side // cell), np.uint8)
    starts = range(0, pieces, CHUNK)
    chunks = [range(start, min(start + CHUNK, pieces)) for start in starts]
    with ProcessPoolExecutor(processes) as pool:
        drawn = pool.map(_draw, chunks, [side] * len(chunks), [cell] * len(chunks))
        for numbers, (seen, covered) in zip(chunks, drawn, strict=True):
            pixels[numbers.start : numbers.stop] = seen
            coverage[numbers.start : numbers.stop] = covered
    return TrainingSet([_views(number) for number in range(pieces)], pixels, coverage)


def distinct(pixels: Pixels) -> int:
    """How many of pieces × VIEWS pictures differ."""
    return len({hashlib.sha256(view).digest() for views in pixels for view in views})


def _draw(numbers: range, side: int, cell: int) -> tuple[Pixels, Coverage]:
    pictures = [render(scene, side, OVERSAMPLING) for n in numbers for scene in _views(n)]
    pixels = np.array([np.asarray(picture.image) for picture in pictures])
    covered = np.array([_covered(picture, cell) for picture in pictures])
    rows = (len(numbers), VIEWS)
    return pixels.reshape(*rows, side, side, 3), covered.reshape(*rows, *covered.shape[1:])


def _covered(picture: Picture, cell: int) -> Coverage:
    stones = np.zeros_like(picture.mask)
    for mask in picture.stone_masks:
        stones |= mask
    both = np.stack([picture.mask, stones])
    cells = len(picture.mask) // cell
    shares = both.reshape(2, cells, cell, cells, cell).mean(axis=(2, 4))
    covered: Coverage = np.round(shares * 255).astype(np.uint8)
    return covered


def _views(number: int) -> list[Scene]:
    return [sampling.scene(sampling.TRAINING, number, view) for view in range(VIEWS)]
