"""What both sides are asked to draw, and what that cost."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.load import Cost
from bench.middle_sized_diffusion import SIDE

Pixels = npt.NDArray[np.int64]
"""Height × width × 3, 0 to 255."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to draw; sides in pixels."""

    steps: int
    seed: int
    width: int = SIDE
    height: int = SIDE
    guidance_scale: float = 7.5
    prompt: str = "a gold ring with a red stone"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture, and what it cost from the request to the answer."""

    picture: Picture
    cost: Cost
    pixels: Pixels


def step_cost(few: Drawn, many: Drawn) -> Cost:
    """What a step costs more: all that is paid once per picture cancels out."""
    steps = many.picture.steps - few.picture.steps
    return Cost(
        (many.cost.cpu_ms - few.cost.cpu_ms) / steps, (many.cost.wall_ms - few.cost.wall_ms) / steps
    )


def largest_difference(ones: Sequence[Pixels], others: Sequence[Pixels]) -> int:
    """Of any sample. Raises RuntimeError for pictures of one colour: equal, but for nothing."""
    if any(np.ptp(one) == 0 for one in ones):
        raise RuntimeError("a picture has one colour")
    return max(int(np.abs(a - b).max()) for a, b in zip(ones, others, strict=True))
