"""Metal with rounded edges that mirrors a bright room."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from small_world.canvas import Mask, Plane, noise, slope
from small_world.materials import Ramp

RIBS = 8.0
"""Ribs per unit of piece space."""

GRAIN = 0.09
FINE_BLUR = 5.0


@dataclass(frozen=True, slots=True)
class Surface:
    """How a sheet looks: its colours, its texture, and lengths in pixels."""

    ramp: Ramp
    texture: str
    bevel: float
    unit: float
    axis: tuple[float, float]
    """Direction across the ribs: a unit vector in pixels."""
    light: tuple[float, float]
    phase: float
    """Which part of the room it mirrors, in radians."""


def paint(picture: Image.Image, mask: Mask, surface: Surface, random: np.random.Generator) -> None:
    """Paints the sheet that `mask` covers onto the picture."""
    box = mask.getbbox()
    if box is None:
        return
    part = mask.crop(box)
    shade = _brightness(part, surface, random)
    colours = surface.ramp[np.clip(shade * 255, 0, 255).astype(np.uint8)]
    picture.paste(Image.fromarray(colours), box[:2], part)


def _brightness(mask: Mask, surface: Surface, random: np.random.Generator) -> Plane:
    height = _height(mask, surface, random)
    down, right = np.gradient(height)
    steep = np.sqrt(down * down + right * right + 1)
    towards = -(right * surface.light[0] + down * surface.light[1]) / steep
    flat = 1 / steep
    across = _across(mask, surface) / surface.unit
    # Two broad reflections slide over the surface as it bends: that is what reads as metal.
    room = np.sin(across * 3.0 + towards * 4.4 + surface.phase)
    glint = np.maximum(towards * 0.7 + flat * 0.66, 0) ** 16
    if surface.texture == "brushed":
        grain = random.normal(0, GRAIN, (height.shape[0], 1)).astype(np.float32)
        lit: Plane = 0.55 + 0.2 * towards + grain
    else:
        lit = 0.47 + 0.32 * towards + 0.24 * room * flat + 0.55 * glint
    return lit


def _height(mask: Mask, surface: Surface, random: np.random.Generator) -> Plane:
    # A sharp and a wide blur of the silhouette: rounded edges on a pillowed body.
    height: Plane = _swelling(mask, surface.bevel, 2.4) + _swelling(mask, surface.bevel * 3.2, 1.5)
    if surface.texture == "hammered":
        side = max(mask.size)
        dents = noise(random, side, max(2, round(side / surface.unit * 8)))
        height = height + dents[: mask.height, : mask.width] * np.float32(surface.unit * 0.11)
    if surface.texture == "ribbed":
        ribs = np.sin(_across(mask, surface) * np.float32(RIBS * 2 * np.pi / surface.unit))
        height = height + ribs * np.float32(surface.unit * 0.02)
    return height


def _swelling(mask: Mask, radius: float, rise: float) -> Plane:
    # Blurred where the radius is small and enlarged as floats: a wide blur in 256 steps has
    # terraces, which the shading would show.
    by = max(1, int(radius / FINE_BLUR))
    small = mask.reduce(by) if by > 1 else mask
    soft = small.filter(ImageFilter.GaussianBlur(radius / by)).convert("F")
    if by > 1:
        soft = soft.resize(mask.size, Image.Resampling.BICUBIC)
    plane: Plane = np.asarray(soft, np.float32) * np.float32(radius * rise / 255)
    return plane


def _across(mask: Mask, surface: Surface) -> Plane:
    return slope(mask.width, mask.height, *surface.axis)
