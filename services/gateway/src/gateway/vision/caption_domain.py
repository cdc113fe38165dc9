"""What the gateway asks of captioners, and what they answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CaptionQuestion:
    """Which captioner is asked for what; "" leaves a prompt out."""

    model: str
    caption_prompt: str = ""
    flag_caption_prompt: str = ""


@dataclass(frozen=True, slots=True)
class Caption:
    """An answer, with name and set of the model that made it."""

    caption: str
    tags: list[str]
    flagged: bool
    cached: bool
    model: str
    model_set: str


@dataclass(frozen=True, slots=True)
class CaptionModel:
    """A captioner; `state` is unloaded, loading, loaded or not_ready."""

    key: str
    state: str
    reason: str
    collective: bool
    model: str | None
    model_set: str | None
