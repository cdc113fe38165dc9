"""The segmenters under test, each loaded once."""

from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.pictures import png
from tests.vision_models.fake_segmenter import FakeSegmenter
from vision_models import demo
from vision_models.domain import Pixels
from vision_models.models import device, sam
from vision_models.segmentation_domain import (
    Encoding,
    Mask,
    PointedPicture,
    Prompt,
    PromptedPicture,
    Segmenter,
)

GRID = np.stack(np.meshgrid(*[np.arange(4) / 4 + 0.125] * 2), axis=-1).reshape(-1, 2)


@cache
def loaded(models_dir: Path, kind: str, dtype: str) -> Segmenter:
    """The segmenter of this kind; of tiny weights one thread is best."""
    if kind == "fake":
        return FakeSegmenter()
    torch.set_num_threads(1)
    return sam.load(demo.weights_for("segmentation", models_dir), device.place("cpu", dtype))


def encoded(segmenter: Segmenter, pixels: Pixels) -> Encoding:
    """The encoding of one picture."""
    [encoding] = segmenter.encode([pixels])
    return encoding


def small(segmenter: Segmenter, seed: int) -> Encoding:
    """The encoding of the piece with this number, 64 × 48 pixels."""
    with Image.open(BytesIO(png(seed, 64, 48))) as picture:
        return encoded(segmenter, np.asarray(picture))


def everything(segmenter: Segmenter, encoding: Encoding) -> list[Mask]:
    """All masks of a small grid."""
    [candidates] = segmenter.propose([PointedPicture(encoding, GRID)])
    return segmenter.distinct(encoding, candidates)


def ask(segmenter: Segmenter, encoding: Encoding, prompt: Prompt) -> list[Mask]:
    """The three masks for a prompt."""
    [found] = segmenter.segment([PromptedPicture(encoding, prompt)])
    return found


def same(some: Sequence[Mask], others: Sequence[Mask]) -> bool:
    """Whether both are the same masks in the same order."""
    return len(some) == len(others) and all(
        np.array_equal(one.bits, other.bits) for one, other in zip(some, others, strict=True)
    )
