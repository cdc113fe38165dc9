"""What callers ask of the painter, checked, and what they are told."""

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from facetkit.errors import InvalidInput
from vision_models.domain import ModelInfo

MAX_PROMPT_CHARS = 2000
MAX_STEPS = 150
MAX_GUIDANCE_SCALE = 30.0
MIN_SIDE, MAX_SIDE, SIDE_UNIT = 64, 1024, 8
MAX_COUNT = 4
SEEDS = 2**32


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """Pictures asked for; `init_image` is encoded, empty where they are from words alone."""

    prompt: str
    negative_prompt: str
    steps: int
    guidance_scale: float
    width: int
    height: int
    seed: int | None
    count: int
    scheduler: str
    init_image: bytes
    strength: float
    previews: bool

    @property
    def seeds(self) -> list[int]:
        """One per picture, counted on from the one given or a random one."""
        first = secrets.randbelow(SEEDS) if self.seed is None else self.seed
        return [(first + index) % SEEDS for index in range(self.count)]


@dataclass(frozen=True, slots=True)
class Queued:
    """Waiting for the device, with `position` pictures before."""

    position: int


@dataclass(frozen=True, slots=True)
class Progressed:
    """A step was taken; `preview` is a small PNG or empty."""

    step: int
    steps: int
    preview: bytes = b""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture as PNG, and its seed."""

    png: bytes
    seed: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """The pictures, and how they were computed; `prompt_cut` where the model read only the
    beginning of a prompt.
    """

    pictures: Sequence[Picture]
    model: ModelInfo
    scheduler: str
    native_width: int
    native_height: int
    prompt_cut: bool


GenerationEvent = Queued | Progressed | Drawn


def check(request: PictureRequest, schedulers: Sequence[str]) -> None:
    """Raises InvalidInput naming every field that is out of range."""
    faults = {**_text_faults(request), **_number_faults(request)}
    if request.scheduler and request.scheduler not in schedulers:
        faults["scheduler"] = f"must be one of {', '.join(schedulers)}"
    if faults:
        message = "; ".join(f"'{field}' {fault}" for field, fault in faults.items())
        raise InvalidInput(message, fields=faults)


def _text_faults(request: PictureRequest) -> dict[str, str]:
    faults = {}
    for field in ("prompt", "negative_prompt"):
        if len(getattr(request, field)) > MAX_PROMPT_CHARS:
            faults[field] = f"must have at most {MAX_PROMPT_CHARS} characters"
    if not request.prompt.strip():
        faults["prompt"] = "is required"
    return faults


def _number_faults(request: PictureRequest) -> dict[str, str]:
    faults = {}
    for field, most in (("steps", MAX_STEPS), ("count", MAX_COUNT)):
        if not 1 <= getattr(request, field) <= most:
            faults[field] = f"must be 1 to {most}"
    for field in ("width", "height"):
        side = getattr(request, field)
        if not MIN_SIDE <= side <= MAX_SIDE or side % SIDE_UNIT:
            faults[field] = f"must be a multiple of {SIDE_UNIT} from {MIN_SIDE} to {MAX_SIDE}"
    if not _within(request.guidance_scale, MAX_GUIDANCE_SCALE):
        faults["guidance_scale"] = f"must be above 0 and at most {MAX_GUIDANCE_SCALE:g}"
    if request.init_image and not _within(request.strength, 1.0):
        faults["strength"] = "must be above 0 and at most 1"
    return faults


def _within(value: float, most: float) -> bool:
    return math.isfinite(value) and 0 < value <= most
