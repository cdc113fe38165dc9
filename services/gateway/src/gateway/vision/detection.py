"""Parts of a picture by name: each mask's box is cut out, and labels are judged on the cuts."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from gateway.vision.client import Classification, LabelScore, VisionClient
from gateway.vision.overlay import reduced_picture
from gateway.vision.segmentation_domain import Box, Mask, Segmentation
from gateway.vision.side_by_side import all_of

MAX_PARTS = 32

_IN_FLIGHT = 8
_MARGIN = 0.1
_SAME = 0.7
_JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Detection:
    """A part of the picture, and the label that fits it best."""

    mask: Mask
    score: LabelScore


def cut_out(content: bytes, segmentation: Segmentation) -> list[bytes]:
    """The box of each mask with a little around it, as JPEG, from the reduced picture.

    Raises as facetkit.images.decode.
    """
    picture = reduced_picture(content)
    across, down = picture.width / segmentation.width, picture.height / segmentation.height
    return [_cut(picture, mask.box, across, down) for mask in segmentation.masks]


async def judged(
    vision: VisionClient, cuts: Sequence[bytes], labels: Sequence[str]
) -> list[Classification]:
    """For each cut the best of `labels`, or of the common objects where there are none."""
    turns = asyncio.Semaphore(_IN_FLIGHT)

    async def best(cut: bytes) -> Classification:
        async with turns:
            return await vision.classify(cut, labels, top=1)

    return await all_of(best(cut) for cut in cuts)


def detected(
    segmentation: Segmentation, names: Sequence[Classification], min_confidence: float
) -> list[Detection]:
    """The masks whose best label fits well enough, best first.

    Of those with the same label and nearly the same box, only the best.
    """
    pairs = zip(segmentation.masks, names, strict=True)
    found = [Detection(mask, score) for mask, name in pairs for score in name.scores[:1]]
    found.sort(key=lambda detection: detection.score.confidence, reverse=True)
    kept: list[Detection] = []
    for detection in found:
        likely = detection.score.confidence >= min_confidence
        if likely and not any(_is_same(detection, better) for better in kept):
            kept.append(detection)
    return kept


def _cut(picture: Image.Image, box: Box, across: float, down: float) -> bytes:
    left, top, right, bottom = box
    beside, above = _MARGIN * (right - left), _MARGIN * (bottom - top)
    x, y = int(max(0.0, left - beside) * across), int(max(0.0, top - above) * down)
    beyond_x = min(picture.width, max(x + 1, round((right + beside) * across)))
    beyond_y = min(picture.height, max(y + 1, round((bottom + above) * down)))
    buffer = BytesIO()
    picture.crop((x, y, beyond_x, beyond_y)).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


def _is_same(one: Detection, other: Detection) -> bool:
    return one.score.label == other.score.label and _iou(one.mask.box, other.mask.box) > _SAME


def _iou(one: Box, other: Box) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    both = across * down
    return both / (_area(one) + _area(other) - both)


def _area(box: Box) -> float:
    left, top, right, bottom = box
    return (right - left) * (bottom - top)
