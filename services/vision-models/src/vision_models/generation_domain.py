"""What the Generation family speaks of: pictures to be drawn, and who draws them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol

from facetkit.errors import FacetError
from vision_models.domain import ModelInfo, Pixels

Advance = Callable[[int, int, Pixels | None], None]
"""Told after each step: which one, of how many, perhaps the picture as it stands, small.

Called in the worker's thread."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How pictures are computed; those for which it is equal can be computed together.

    Width and height in pixels, multiples of 8. `strength` is None for pictures from words alone.
    """

    width: int
    height: int
    steps: int
    guidance_scale: float
    scheduler: str
    strength: float | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """One picture to be drawn; `start` (of any size) goes with a strength.

    Whoever waits for it sets `abandoned` when it leaves.
    """

    prompt: str
    negative_prompt: str
    seed: int
    sampling: Sampling
    start: Pixels | None = None
    previews: bool = False
    advance: Advance = lambda step, steps, preview: None
    abandoned: Event = field(default_factory=Event)


class Painter(Protocol):
    """Pictures from words, or from words and a picture. Called from one thread at a time."""

    info: ModelInfo
    schedulers: tuple[str, ...]
    """Names that a sampling may have, the default first."""
    native_side: int
    """The longest side in pixels that it knows to draw at; 0 where it takes any."""

    def reads_all(self, text: str) -> bool:
        """Whether the model reads all of a prompt, or cuts it off; may be asked while it draws."""

    def draw(self, batch: Sequence[Drawing]) -> "list[Pixels | FacetError | None]":
        """Height × width × 3 for each drawing, of equal samplings, as if it were drawn alone.

        An error in place of one picture takes none from the others; None where it was abandoned.
        Ends within one step once all are.
        """

    def warm_up(self) -> None:
        """Runs the model once, so that the first caller does not pay for it."""
