"""What vision-models speaks of: images ready for a model, vectors, captions, and who makes them."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from threading import Event
from typing import Any, Protocol

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
    """Identity of a model; vectors compare only where it is equal. Captioners have 0 dimensions."""

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


@dataclass(frozen=True, slots=True)
class Prompted:
    """One element of a captioner's batch: `inputs` are the library's own tensors.

    Only elements of equal `shape` are computed together, so that none is padded. Whoever waits
    for the result sets `abandoned` when it leaves.
    """

    inputs: Any
    shape: Hashable
    abandoned: Event = field(default_factory=Event, compare=False)


class Captioner(Protocol):
    """Images in words. `prepare` may run in any thread, the rest in one thread at a time."""

    info: ModelInfo
    min_side: int
    """Pixels that the shorter side of a picture must keep for the model to lose nothing."""

    def prepare(self, images: Sequence[Pixels], prompt: str) -> Prompted:
        """The pictures (one, where the model is no ChatCaptioner) with the prompt; "" for none.

        Raises InvalidInput for a prompt that is longer than the model can read.
        """

    def caption(self, batch: Sequence[Prompted]) -> list[str]:
        """One caption per element, decoded greedily; ends early once all are abandoned."""

    def warm_up(self) -> None:
        """Runs the model once, so that the first caller does not pay for it."""

    def unload(self) -> None:
        """Lets go of weights and buffers, whoever still holds the captioner itself."""


class ChatCaptioner(Captioner, Protocol):
    """A captioner that takes several pictures at once and answers questions about them."""

    def prepare_question(self, images: Sequence[Pixels], question: str) -> Prompted:
        """As `prepare`, for a question to be answered with yes or no."""

    def affirm(self, batch: Sequence[Prompted]) -> list[float]:
        """The probability of yes against no, 0 to 1, per element."""
