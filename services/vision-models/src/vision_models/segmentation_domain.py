"""What the Segmentation family speaks of: encoded pictures, prompts, masks, and who makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vision_models.domain import ModelInfo, Pixels

Bits = npt.NDArray[np.bool_]
"""Height × width; True where the part is."""

Ring = npt.NDArray[np.float32]
"""The corners of a closed ring: n × 2, x and y in pixels; the first is not repeated."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels; the last two lie outside."""


@dataclass(frozen=True, slots=True)
class ReducedPicture:
    """A decoded picture at the size that the model works at, and what the original was."""

    pixels: Pixels
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Encoding:
    """A picture as the model sees it: `features` are the library's own, the sizes `pixels`'."""

    features: Any
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Point:
    """A point in pixels; `excluded` ones lie outside of what is meant."""

    x: float
    y: float
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is meant: by points, by a box around it, or by both."""

    points: tuple[Point, ...] = ()
    box: Box | None = None

    def scaled(self, across: float, down: float) -> "Prompt":
        """The same in a picture that is so many times as wide and as high."""
        points = tuple(Point(p.x * across, p.y * down, p.excluded) for p in self.points)
        if self.box is None:
            return Prompt(points)
        left, top, right, bottom = self.box
        return Prompt(points, (left * across, top * down, right * across, bottom * down))


@dataclass(frozen=True, slots=True)
class PromptedPicture:
    """A prompt in the pixels of the encoding."""

    encoding: Encoding
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class PointedPicture:
    """Points that are each asked for alone: n × 2, 0 to 1 across and down."""

    encoding: Encoding
    points: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mask:
    """A part at the encoding's size; both scores are 0 to 1."""

    bits: Bits
    predicted_iou: float
    stability: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mask that other points may find again: its run lengths by column, and its box."""

    runs: npt.NDArray[np.int32]
    box: Box
    predicted_iou: float
    stability: float


@dataclass(frozen=True, slots=True)
class Part:
    """A mask in pixels of the original: COCO's run lengths, and its largest piece as rings."""

    counts: npt.NDArray[np.int64]
    area: int
    box: Box
    predicted_iou: float
    stability: float
    outer: Ring
    holes: tuple[Ring, ...]


class Segmenter(Protocol):
    """Pictures in parts. Called from one thread at a time, but for `distinct`."""

    info: ModelInfo
    image_size: int
    """Pixels that the longer side of a picture may have."""
    points_per_batch: int
    """How many points are best asked for at once."""

    def encode(self, pictures: Sequence[Pixels]) -> list[Encoding]:
        """What masks are made from; the costly step."""

    def propose(self, batch: Sequence[PointedPicture]) -> list[list[Candidate]]:
        """What is found at the points and is good enough, equal ones not yet dropped."""

    def distinct(self, encoding: Encoding, candidates: Sequence[Candidate]) -> list[Mask]:
        """The best of those that are much the same; may run in any thread."""

    def segment(self, batch: Sequence[PromptedPicture]) -> list[list[Mask]]:
        """Three masks for what each prompt may mean, the likeliest first; some may be empty."""

    def warm_up(self) -> None:
        """Runs the model once, so that the first caller does not pay for it."""
