"""Where things are drawn: a picture at a multiple of its size, and the way from piece space."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from small_world.attributes import Pose
from small_world.outlines import Outline

Plane = NDArray[np.float32]
"""One number per pixel, height × width."""

Mask = Image.Image
"""Mode L: 255 where something is."""


@dataclass(frozen=True, slots=True)
class Projection:
    """From piece space to pixels of a square canvas."""

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]
    pixels: float
    """Length in pixels of one unit of piece space."""

    @classmethod
    def of(cls, pose: Pose, side: int) -> "Projection":
        """The projection of a pose on a canvas of `side` pixels."""
        turn, tilt = np.radians(pose.turn), np.radians(pose.tilt)
        flat = np.diag([-1.0 if pose.mirrored else 1.0, np.cos(tilt)])
        cos, sin = np.cos(turn), np.sin(turn)
        pixels = pose.scale * side
        matrix = np.array([[cos, -sin], [sin, cos]]) @ flat * pixels
        return cls(matrix, np.array([pose.x, pose.y]) * side, pixels)

    def __call__(self, outline: Outline) -> Outline:
        """The outline in pixels."""
        projected: Outline = outline @ self.matrix.T + self.offset
        return projected


def fill(mask: Mask, outlines: list[Outline], value: int) -> None:
    """Fills polygons given in pixels."""
    draw = ImageDraw.Draw(mask)
    for outline in outlines:
        draw.polygon(outline.ravel().tolist(), fill=value)


def empty(side: int) -> Mask:
    """A mask of nothing."""
    return Image.new("L", (side, side))


def slope(width: int, height: int, right: float, down: float) -> Plane:
    """A plane that rises by `right` per pixel to the right and `down` per pixel downwards."""
    across = np.arange(width, dtype=np.float32) * np.float32(right)
    plane: Plane = (
        across[None, :] + (np.arange(height, dtype=np.float32) * np.float32(down))[:, None]
    )
    return plane


def noise(random: np.random.Generator, side: int, cells: int) -> Plane:
    """Smooth noise from 0 to 1 with about `cells` hills along a side."""
    coarse = Image.fromarray(random.integers(0, 256, (cells + 1, cells + 1), dtype=np.uint8))
    fine = coarse.resize((side, side), Image.Resampling.BICUBIC)
    plane: Plane = np.asarray(fine, np.float32) / np.float32(255)
    return plane
