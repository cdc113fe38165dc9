"""What the gateway asks of the segmenter, and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels; the last two lie outside."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place in pixels, in what is meant or outside of it."""

    x: float
    y: float
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is meant; with `several`, three masks for it instead of the best one."""

    points: Sequence[Point] = ()
    box: Box | None = None
    several: bool = False


@dataclass(frozen=True, slots=True)
class Mask:
    """A part of the image.

    `counts` are run lengths, column by column, of 0 and 1 in turn, beginning with 0. `area` and
    `box` are in pixels; so are the rings, each x and y of its corners in turn.
    """

    counts: Sequence[int]
    area: int
    box: Box
    predicted_iou: float
    stability: float
    outer: Sequence[float]
    holes: Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The masks of an image of `width` × `height` pixels after EXIF rotation.

    With name and set of the model that made them, and whether the image's encoding was at hand.
    """

    masks: Sequence[Mask]
    width: int
    height: int
    model: str
    model_set: str
    encoding_reused: bool = False
