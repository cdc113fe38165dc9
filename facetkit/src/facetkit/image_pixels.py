"""Loaded pictures of any mode and orientation made into plain, upright RGB."""

import struct
import zlib

import numpy as np
from PIL import Image, ImageFile

# Pillow warns of corrupt EXIF data, which is an error where warnings are made errors.
DAMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, ArithmeticError, UserWarning),
    *(struct.error, zlib.error),
)
"""What Pillow raises for damaged content."""

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where it is missing or makes no sense."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except DAMAGE:
        return 1
    return orientation if orientation in _TURNS else 1


def turned_upright(image: Image.Image, orientation: int) -> Image.Image:
    """The image as it is to be seen, given the orientation it is stored in."""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def to_rgb(image: Image.Image, keep: int) -> Image.Image:
    """A plain RGB image, on white where transparent, reduced by a whole factor: the shorter side
    stays at least `keep` pixels.

    Colours that are numbers in a palette, or keyed as transparent, cannot be averaged: such
    images are converted before they are reduced.
    """
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    elif image.has_transparency_data and image.mode != "RGBA":
        image = image.convert("RGBA")
    elif image.mode in {"1", "P"}:
        image = image.convert("RGB")
    if (factor := min(image.size) // keep) > 1:
        image = image.reduce(factor)
    if image.mode == "RGBA":
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image)
        return white
    plain = image.mode == "RGB" and not isinstance(image, ImageFile.ImageFile)
    return image if plain else image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    samples = np.asarray(image)
    grey = (samples >> 8).astype(np.uint8)
    grey[samples == image.info.get("transparency", -1)] = 255
    return Image.fromarray(grey)
