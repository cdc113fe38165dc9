"""Small encoded pictures of the small world, made from seeds."""

import io
from functools import cache

from PIL import Image

from small_world import sampling
from small_world.render import render

SIDE = 96


def jpeg(seed: int, width: int = 320, height: int = 240) -> bytes:
    """A JPEG of the piece with this number."""
    return _encoded(seed, width, height, "JPEG")


def png(seed: int, width: int = 64, height: int = 48) -> bytes:
    """A PNG of the piece with this number."""
    return _encoded(seed, width, height, "PNG")


@cache
def _drawn(seed: int) -> Image.Image:
    return render(sampling.scene(sampling.TRAINING, seed), SIDE, oversampling=2).image


def _encoded(seed: int, width: int, height: int, form: str) -> bytes:
    buffer = io.BytesIO()
    _drawn(seed).resize((width, height), Image.Resampling.BICUBIC).save(buffer, form)
    return buffer.getvalue()
