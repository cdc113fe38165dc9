"""A picture with masks drawn over it."""

import colorsys
from collections.abc import Iterable
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from facetkit.images import ImageLimits, decode
from gateway.vision.mask_forms import Array, reduced_size

LONGEST_SIDE = 1024

_FILL = 115
_OUTLINE = 255
# Hues a golden section apart never come close to each other's neighbours.
_HUE_STEP = 0.618034
_FAST = 1


def reduced_picture(content: bytes) -> Image.Image:
    """The upright RGB picture, its longer side at most LONGEST_SIDE.

    Raises as facetkit.images.decode.
    """
    picture = decode(content, min_side=LONGEST_SIDE // 2, limits=ImageLimits()).image
    height, width = reduced_size((picture.height, picture.width), LONGEST_SIDE)
    return picture.resize((width, height), Image.Resampling.BOX)


def drawn_over(picture: Image.Image, masks: Iterable[Array]) -> Image.Image:
    """A copy of the picture, each mask of its size in a colour of its own with an outline.

    Later masks lie over earlier ones.
    """
    shape = (picture.height, picture.width)
    owner, opacity = np.zeros(shape, np.intp), np.zeros(shape, np.uint8)
    count = 0
    for count, mask in enumerate(masks, start=1):
        np.copyto(owner, count, where=mask)
        np.copyto(opacity, _FILL, where=mask)
        np.copyto(opacity, _OUTLINE, where=_outline(mask))
    palette = np.array([_colour(index) for index in range(count + 1)])
    drawn = picture.copy()
    drawn.paste(Image.fromarray(palette[owner]), mask=Image.fromarray(opacity))
    return drawn


def png(picture: Image.Image) -> bytes:
    """The picture as PNG."""
    buffer = BytesIO()
    picture.save(buffer, "PNG", compress_level=_FAST)
    return buffer.getvalue()


def _colour(index: int) -> npt.NDArray[np.uint8]:
    shade = colorsys.hsv_to_rgb(index * _HUE_STEP % 1, 0.8, 1 - index % 2 * 0.25)
    return np.round(np.array(shade) * 255).astype(np.uint8)


def _outline(mask: Array) -> Array:
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inside
