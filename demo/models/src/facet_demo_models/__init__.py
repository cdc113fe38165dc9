"""Small models trained on the small world, shipped as package data; a model card lies in each."""

from dataclasses import dataclass
from pathlib import Path

_DATA = Path(__file__).parent
_TRAINED = {
    "embedding": ("clip-small-world", "clip-small-world"),
    "zero-shot": ("clip-small-world", "clip-small-world/0_CLIPModel"),
}
"""Name and folder by purpose; the two of CLIP are one model in two layouts."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model by name, and the folder it is loaded from."""

    name: str
    folder: Path


def find(purpose: str) -> TrainedModel | None:
    """The model trained for `purpose` ("embedding", "zero-shot"); None where there is none."""
    if purpose not in _TRAINED:
        return None
    name, folder = _TRAINED[purpose]
    return TrainedModel(name, _DATA / folder)
