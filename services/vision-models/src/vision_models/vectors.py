"""Unit vectors as they come from a model: checked, averaged, compared."""

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from facetkit.errors import FacetError
from vision_models.domain import Vectors

Vector = npt.NDArray[np.float32]


def finite(vector: Vector) -> Vector:
    """The vector itself. Raises FacetError where a number in it is not finite."""
    if not np.isfinite(vector).all():
        raise FacetError("the model gave a vector that is not finite")
    return vector


def unit_means(vectors: Vectors, each: int) -> Vectors:
    """The normalised mean of every `each` rows: n · each × dimensions in, n × dimensions out."""
    means = vectors.reshape(-1, each, vectors.shape[1]).mean(axis=1)
    made: Vectors = means / np.linalg.norm(means, axis=1, keepdims=True)
    return made


def confidences(
    image: Vector, texts: Iterable[Vector], neutral: Vector, scale: float
) -> list[float]:
    """Per text 0 to 1: the softmax of its cosine with the image against the neutral text's."""
    against = float(image @ neutral)
    return [_sigmoid(scale * (float(image @ text) - against)) for text in texts]


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
