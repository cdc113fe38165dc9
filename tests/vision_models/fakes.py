"""An embedder without a network, and ways to watch and hold it."""

import hashlib
import threading
from collections.abc import Sequence

import numpy as np

from vision_models.domain import ModelInfo, Pixels, Vectors


class FakeEmbedder:
    """Vectors from content hashes; passes the same contract suite as the real embedders."""

    logit_scale = 10.0

    def __init__(self, dimensions: int = 16, image_size: int = 32) -> None:
        self.info = ModelInfo("fake", "1", "fake", dimensions)
        self.image_size = image_size
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def embed_images(self, images: Sequence[Pixels]) -> Vectors:
        """One unit vector per image."""
        return self._embed([image.tobytes() for image in images])

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """One unit vector per text."""
        return self._embed([text.encode() for text in texts])

    def warm_up(self) -> None:
        """Nothing to warm."""

    def _embed(self, contents: list[bytes]) -> Vectors:
        self.batches.append(len(contents))
        self.entered.set()
        self.gate.wait(30)
        return np.stack([self._vector(content) for content in contents])

    def _vector(self, content: bytes) -> Vectors:
        seed = int.from_bytes(hashlib.sha256(content).digest()[:8], "big")
        vector = np.random.default_rng(seed).standard_normal(self.info.dimensions)
        unit: Vectors = (vector / np.linalg.norm(vector)).astype(np.float32)
        return unit
