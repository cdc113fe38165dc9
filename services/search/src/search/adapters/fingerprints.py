"""Fingerprints of encoded images, taken with Pillow."""

import asyncio
import hashlib
import os
import struct
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from facetkit.images import ImageLimits, decode
from search import perceptual
from search.domain import Fingerprint

_NICENESS = 10
_STRIP_ROWS = 64


class PillowFingerprinter:
    """Takes fingerprints at full size in threads of low priority, so that other work goes first.

    Its queue is unbounded: callers bound what they have in flight.
    """

    def __init__(self, limits: ImageLimits, workers: int) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(workers, "fingerprints", initializer=_yield_to_others)

    async def fingerprint(self, content: bytes) -> Fingerprint:
        """The fingerprint of one encoded image.

        Raises InvalidInput for no content, TooLarge over a limit, UnsupportedMedia for another
        format and Unprocessable for damaged content.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _fingerprint, content, self._limits)


def _yield_to_others() -> None:
    # Elsewhere than on Linux this would be the priority of the whole process.
    if sys.platform == "linux":
        thread = threading.get_native_id()
        niceness = max(_NICENESS, os.getpriority(os.PRIO_PROCESS, thread))
        os.setpriority(os.PRIO_PROCESS, thread, niceness)


def _fingerprint(content: bytes, limits: ImageLimits) -> Fingerprint:
    # No image within the limits has so long a side: nothing is reduced.
    image = decode(content, min_side=limits.max_pixels, limits=limits).image
    size = (perceptual.SIDE, perceptual.SIDE)
    thumbnail = np.asarray(image.resize(size, Image.Resampling.BOX))
    return Fingerprint(_pixels(image), perceptual.pack(thumbnail))


def _pixels(image: Image.Image) -> str:
    digest = hashlib.sha256(struct.pack(">II", *image.size))
    for top in range(0, image.height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, image.height)
        digest.update(image.crop((0, top, image.width, bottom)).tobytes())
    return digest.hexdigest()
