"""Unit vectors that lie as pictures' do: Zipf clusters of few dimensions within a narrow cone."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

DIMENSIONS = 512
LATENT = 48
CLUSTERS = 5000
SPREAD = 1.0
"""Of a cluster, where the spread of the clusters is 1."""
CONE = 0.98
"""Length of what all vectors share over that of the rest: mean pair cosine about 0.5."""
CHUNK_ROWS = 50_000


class ClusteredVectors:
    """Drawn from a seed; what is drawn later is of the same clusters, so it can be a query."""

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self._centres = self._normal(CLUSTERS, LATENT)
        weights = 1 / np.arange(1, CLUSTERS + 1)
        self._weights = weights / weights.sum()
        self._projection = self._normal(LATENT, DIMENSIONS) / np.float32(DIMENSIONS**0.5)
        shared = self._normal(DIMENSIONS)
        length = CONE * (LATENT * (1 + SPREAD**2)) ** 0.5
        self._shared = shared * np.float32(length / np.linalg.norm(shared))

    def draw(self, count: int) -> Vectors:
        """Unit vectors, shape (count, DIMENSIONS)."""
        clusters = self._random.choice(CLUSTERS, count, p=self._weights)
        latent = self._centres[clusters] + np.float32(SPREAD) * self._normal(count, LATENT)
        vectors = latent @ self._projection + self._shared
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def write(self, path: Path, count: int) -> None:
        """Draws rows into a file, one after another."""
        with path.open("wb") as file:
            for first in range(0, count, CHUNK_ROWS):
                self.draw(min(CHUNK_ROWS, count - first)).tofile(file)

    def _normal(self, *shape: int) -> Vectors:
        return self._random.standard_normal(shape, np.float32)


def read(path: Path, first: int, count: int) -> Vectors:
    """Rows of a file that `write` made; fewer at its end."""
    offset = first * DIMENSIONS * 4
    flat = np.fromfile(path, np.float32, count * DIMENSIONS, offset=offset)
    return flat.reshape(-1, DIMENSIONS)
