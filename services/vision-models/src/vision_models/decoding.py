"""Images from callers as pixels, within the limits of the settings."""

import numpy as np

from facetkit.images import ImageLimits, decode
from vision_models.domain import Pixels
from vision_models.settings import Settings


def image_limits(settings: Settings) -> ImageLimits:
    """The most that an image may have."""
    return ImageLimits(
        max_bytes=settings.max_image_bytes,
        max_pixels=settings.max_pixels,
        max_decoded_bytes=settings.max_decoded_bytes,
    )


def whole(content: bytes, min_side: int, *, limits: ImageLimits) -> Pixels:
    """Decodes the whole picture, reduced to no less than its model sees."""
    return np.asarray(decode(content, min_side=min_side, limits=limits).image)
