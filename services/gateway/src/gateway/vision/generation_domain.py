"""What the gateway asks of Stable Diffusion, and what that tells of its work."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GenerationParameters:
    """Which pictures: sides in pixels; without `seed` a random one; "" and b"" leave a part out."""

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


@dataclass(frozen=True, slots=True)
class Queued:
    """So many pictures come before."""

    position: int


@dataclass(frozen=True, slots=True)
class Progress:
    """The work goes on; `preview` is a small PNG, mostly empty."""

    step: int
    steps: int
    preview: bytes


@dataclass(frozen=True, slots=True)
class GeneratedImage:
    """One picture as PNG, with its seed."""

    png: bytes
    seed: int


@dataclass(frozen=True, slots=True)
class Generated:
    """The pictures, the size they were computed at, and what made them.

    `prompt_cut` says that the model read only the beginning of a prompt.
    """

    images: list[GeneratedImage]
    model: str
    model_set: str
    scheduler: str
    native_width: int
    native_height: int
    prompt_cut: bool


GenerationEvent = Queued | Progress | Generated
