"""What vision-models speaks of: images ready for a model, vectors, and who makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""One image as height × width × 3, RGB."""

Vectors = npt.NDArray[np.float32]
"""One unit vector a row: n × dimensions."""


class Lane(Enum):
    """Which queue a call waits in."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Identity of a model; vectors compare only where it is equal."""

    name: str
    version: str
    model_set: str
    dimensions: int


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """A decoded image in the square that the model sees, and what the original was."""

    pixels: Pixels
    width: int
    height: int
    content_type: str


@dataclass(frozen=True, slots=True)
class ImageEmbedding:
    """One image's unit vector, with width and height in pixels after EXIF rotation."""

    vector: npt.NDArray[np.float32]
    width: int
    height: int
    content_type: str


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How well a label fits: 0 to 1, independent of other labels."""

    label: str
    confidence: float


class Embedder(Protocol):
    """Images and texts as unit vectors of one space. Called from one thread at a time."""

    info: ModelInfo
    image_size: int

    def embed_images(self, images: Sequence[Pixels]) -> Vectors:
        """One vector per image of image_size × image_size."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """One vector per text; what is over the model's length is cut off."""

    def warm_up(self) -> None:
        """Runs the model once, so that the first caller does not pay for it."""


class ZeroShotModel(Embedder, Protocol):
    """An embedder whose scale turns cosines into confidences."""

    logit_scale: float
