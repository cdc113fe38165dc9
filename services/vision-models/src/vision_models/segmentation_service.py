"""The Segmentation family: admit, decode, encode once, ask for masks, answer at full size."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from vision_models import masks
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.domain import Lane, ModelInfo
from vision_models.kept_model import KeptModel
from vision_models.segmentation_domain import (
    Candidate,
    Encoding,
    Mask,
    Part,
    PointedPicture,
    Prompt,
    PromptedPicture,
    Segmenter,
)
from vision_models.segmentation_encodings import EncodedPicture, Encodings
from vision_models.segmentation_requests import (
    DEFAULT_MASKS,
    MAX_MASKS,
    MAX_POINTS_PER_SIDE,
    Segmented,
    check_prompt,
    check_range,
)

Result = TypeVar("Result")


class SegmentationService:
    """The Segmentation family, while `segmenter` is kept ready."""

    def __init__(
        self,
        *,
        segmenter: KeptModel[Segmenter],
        batcher: Batcher,
        admission: Admission,
        decoders: ThreadPoolExecutor,
        encodings: Encodings,
        points_per_side: int,
    ) -> None:
        self._segmenter = segmenter
        self._batcher = batcher
        self._admission = admission
        self._decoders = decoders
        self._encodings = encodings
        self._points_per_side = points_per_side

    @property
    def model(self) -> ModelInfo:
        """The model that answers. Raises NotReady while there is none."""
        return self._segmenter.get().info

    async def segment_image(
        self, content: bytes, points_per_side: int, max_masks: int, lane: Lane
    ) -> Segmented:
        """Every part that a grid of points finds, the largest first; 0 stands for the defaults.

        Raises InvalidInput and its kin naming the field, Overloaded for a full queue, NotReady.
        """
        side, most = points_per_side or self._points_per_side, max_masks or DEFAULT_MASKS
        check_range("points_per_side", side, MAX_POINTS_PER_SIDE)
        check_range("max_masks", most, MAX_MASKS)
        segmenter = self._segmenter.get()
        async with self._admission.admitted(lane):
            encoded, reused = await self._encodings.get(segmenter, content, Prompt(), lane)
            candidates = await self._propose(segmenter, encoded.encoding, side, lane)
            parts = await self._thread(_largest, segmenter, encoded, candidates, most)
        return Segmented(parts, segmenter.info, encoded.width, encoded.height, reused)

    async def segment_prompt(
        self, content: bytes, prompt: Prompt, several: bool, lane: Lane
    ) -> Segmented:
        """What is meant, the likeliest first: three masks where `several`, else the best.

        Raises as `segment_image`.
        """
        check_prompt(prompt)
        segmenter = self._segmenter.get()
        async with self._admission.admitted(lane):
            encoded, reused = await self._encodings.get(segmenter, content, prompt, lane)
            encoding = encoded.encoding
            across, down = encoding.width / encoded.width, encoding.height / encoded.height
            prompted = PromptedPicture(encoding, prompt.scaled(across, down))
            found: list[Mask] = await self._batcher.submit(segmenter.segment, prompted, lane)
            parts = await self._thread(_parts, found if several else found[:1], encoded)
        return Segmented(parts, segmenter.info, encoded.width, encoded.height, reused)

    async def _propose(
        self, segmenter: Segmenter, encoding: Encoding, side: int, lane: Lane
    ) -> list[Candidate]:
        # A batch of points at a time: others get their turn between them, and with a caller that
        # leaves the rest is never computed.
        points, found = grid(side), []
        for start in range(0, len(points), segmenter.points_per_batch):
            some = points[start : start + segmenter.points_per_batch]
            pointed = PointedPicture(encoding, some)
            found += await self._batcher.submit(segmenter.propose, pointed, lane)
        return found

    async def _thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._decoders, work, *arguments)


def grid(side: int) -> npt.NDArray[np.float64]:
    """The centres of side × side cells, 0 to 1: n × 2, row by row."""
    centres = (np.arange(side) + 0.5) / side
    return np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)


def _largest(
    segmenter: Segmenter, encoded: EncodedPicture, candidates: Sequence[Candidate], most: int
) -> tuple[Part, ...]:
    # Of tiny pictures many masks are equal, whose boxes are too small to be told apart.
    proposed = segmenter.distinct(encoded.encoding, candidates)
    some = [mask for mask in reversed(proposed) if mask.bits.any()]
    found = list({mask.bits.tobytes(): mask for mask in some}.values())
    found.sort(key=lambda mask: int(mask.bits.sum()), reverse=True)
    return _parts(found[:most], encoded)


def _parts(found: Sequence[Mask], encoded: EncodedPicture) -> tuple[Part, ...]:
    return tuple(masks.part(mask, encoded.width, encoded.height) for mask in found)
