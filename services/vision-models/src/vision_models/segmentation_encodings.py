"""Encoded pictures: decoded, encoded once for all who ask, and kept."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from facetkit import deadlines
from facetkit.errors import InvalidInput
from vision_models import metrics
from vision_models.batcher import Batcher
from vision_models.domain import Lane
from vision_models.recent_results import RecentResults
from vision_models.segmentation_domain import Encoding, Prompt, ReducedPicture, Segmenter
from vision_models.segmentation_requests import check_within
from vision_models.shared_calls import SharedCalls

Reduce = Callable[[bytes, int], ReducedPicture]
"""Decodes an image whose longer side is at most as given; called in a decoder thread."""


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """An encoding with the width and height of the original."""

    encoding: Encoding
    width: int
    height: int


class Encodings:
    """The encodings of the last `size` pictures asked for, by their content."""

    def __init__(
        self, batcher: Batcher, decoders: ThreadPoolExecutor, reduce: Reduce, size: int
    ) -> None:
        self._batcher = batcher
        self._decoders = decoders
        self._reduce = reduce
        self._kept: RecentResults[EncodedPicture] = RecentResults(size)
        self._calls: SharedCalls[EncodedPicture] = SharedCalls()

    async def get(
        self, segmenter: Segmenter, content: bytes, prompt: Prompt, lane: Lane
    ) -> tuple[EncodedPicture, bool]:
        """The encoding, and whether it was at hand.

        Raises InvalidInput and its kin for a bad image, and for a prompt that is not within it.
        """
        if not content:
            raise InvalidInput("'image' is empty", fields={"image": "is empty"})
        key = (hashlib.sha256(content).digest(), segmenter.info)
        known = self._kept.get(key)
        if known is not None:
            check_within(prompt, known.width, known.height)
            return known, True
        deadlines.check()
        picture = await self._decode(content, segmenter.image_size)
        # Before the costly step, which is shared with those who ask for other things.
        check_within(prompt, picture.width, picture.height)
        # Meanwhile it may have come of another call.
        made = self._kept.get(key) or await self._calls.run(
            (key, lane), lambda: self._encode(key, segmenter, picture, lane)
        )
        return made, False

    async def _decode(self, content: bytes, side: int) -> ReducedPicture:
        started = time.perf_counter()
        loop = asyncio.get_running_loop()
        picture = await loop.run_in_executor(self._decoders, self._reduce, content, side)
        metrics.PREPROCESS_SECONDS.observe(time.perf_counter() - started)
        return picture

    async def _encode(
        self, key: Hashable, segmenter: Segmenter, picture: ReducedPicture, lane: Lane
    ) -> EncodedPicture:
        encoding = await self._batcher.submit(segmenter.encode, picture.pixels, lane)
        made = EncodedPicture(encoding, picture.width, picture.height)
        self._kept.put(key, made)
        return made
