"""Distinct JPEGs of photographic size and detail, made from seeds."""

import io

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 1632, 1224
QUALITY = 85


def jpeg(seed: int) -> bytes:
    """A 2-megapixel JPEG of about half a megabyte: blurred shapes with grain over them."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 255, (17, 23, 3), dtype=np.uint8))
    fine = Image.fromarray(random.integers(0, 255, (204, 272, 3), dtype=np.uint8))
    size = (WIDTH, HEIGHT)
    smooth = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), np.float32)
    detail = np.asarray(fine.resize(size, Image.Resampling.BICUBIC), np.float32)
    grain = random.normal(0, 3, (HEIGHT, WIDTH, 1)).astype(np.float32)
    pixels = np.clip(0.7 * smooth + 0.3 * detail + grain, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
