"""Small encoded images, made from seeds."""

import io

import numpy as np
from PIL import Image


def jpeg(seed: int, width: int = 320, height: int = 240) -> bytes:
    """A JPEG of smooth colours."""
    return _encoded(seed, width, height, "JPEG")


def png(seed: int, width: int = 64, height: int = 48) -> bytes:
    """A PNG of smooth colours."""
    return _encoded(seed, width, height, "PNG")


def _encoded(seed: int, width: int, height: int, form: str) -> bytes:
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 255, (6, 8, 3), dtype=np.uint8))
    buffer = io.BytesIO()
    coarse.resize((width, height), Image.Resampling.BICUBIC).save(buffer, form)
    return buffer.getvalue()
