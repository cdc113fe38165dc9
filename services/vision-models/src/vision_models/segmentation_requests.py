"""What callers may ask of the Segmentation family."""

import math
from dataclasses import dataclass

from facetkit.errors import InvalidInput
from vision_models.domain import ModelInfo
from vision_models.segmentation_domain import Part, Prompt

MAX_POINTS = 64
MAX_POINTS_PER_SIDE = 32
MAX_MASKS = 256
DEFAULT_MASKS = 64


@dataclass(frozen=True, slots=True)
class Segmented:
    """The parts of a picture of width × height pixels; whether its encoding was at hand."""

    parts: tuple[Part, ...]
    model: ModelInfo
    width: int
    height: int
    encoding_reused: bool


def check_range(field: str, value: int, most: int) -> None:
    """Raises InvalidInput for anything but 1 to `most`."""
    if not 1 <= value <= most:
        _refuse(field, f"must be 1 to {most}")


def check_prompt(prompt: Prompt) -> None:
    """Raises InvalidInput for a prompt that means nothing, whatever the picture."""
    if len(prompt.points) > MAX_POINTS:
        _refuse("points", f"must have at most {MAX_POINTS} elements")
    if prompt.box is None and all(point.excluded for point in prompt.points):
        _refuse("points", "must have one that is not excluded, where there is no box")
    for index, point in enumerate(prompt.points):
        if not (math.isfinite(point.x) and math.isfinite(point.y)):
            _refuse(f"points[{index}]", "must be finite")
    if prompt.box is not None:
        left, top, right, bottom = prompt.box
        if not (all(map(math.isfinite, prompt.box)) and left < right and top < bottom):
            _refuse("box", "must be finite, left of right and top above bottom")


def check_within(prompt: Prompt, width: int, height: int) -> None:
    """Raises InvalidInput for a prompt that is not within the picture."""
    within = f"must lie within the image of {width} × {height} pixels"
    for index, point in enumerate(prompt.points):
        if not (0 <= point.x < width and 0 <= point.y < height):
            _refuse(f"points[{index}]", within)
    if prompt.box is not None:
        left, top, right, bottom = prompt.box
        if not (0 <= left and right <= width and 0 <= top and bottom <= height):
            _refuse("box", within)


def _refuse(field: str, reason: str) -> None:
    raise InvalidInput(f"'{field}' {reason}", fields={field: reason})
