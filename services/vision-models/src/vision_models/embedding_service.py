"""Embeddings and zero-shot labels: cache, share, admit, decode, batch."""

import asyncio
import hashlib
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from facetkit import deadlines
from facetkit.errors import FacetError, InvalidInput, NotReady
from vision_models import metrics
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.domain import (
    Embedder,
    ImageEmbedding,
    LabelScore,
    Lane,
    ModelInfo,
    PreparedImage,
    ZeroShotModel,
)
from vision_models.recent_results import RecentResults
from vision_models.shared_calls import SharedCalls

Vector = npt.NDArray[np.float32]
Prepare = Callable[[bytes, int], PreparedImage]
"""Decodes an image into a square of the given side; called in a decoder thread."""

MAX_TEXTS = 256
MAX_TEXT_CHARS = 2000
MAX_LABELS = 1000
MAX_LABEL_CHARS = 200
NEUTRAL_PROMPT = "a photo."


class EmbeddingService:
    """The Embedding family. `embedder` arrives when its weights are loaded and warm."""

    def __init__(
        self,
        *,
        batcher: Batcher,
        admission: Admission,
        decoders: ThreadPoolExecutor,
        prepare: Prepare,
        load_zero_shot: Callable[[], Awaitable[ZeroShotModel]],
        cache_size: int,
    ) -> None:
        self.embedder: Embedder | None = None
        self.reason = "loading"
        self._batcher = batcher
        self._admission = admission
        self._decoders = decoders
        self._prepare = prepare
        self._load_zero_shot = load_zero_shot
        self._images: RecentResults[ImageEmbedding] = RecentResults(cache_size)
        self._texts: RecentResults[Vector] = RecentResults(cache_size)
        self._image_calls: SharedCalls[ImageEmbedding] = SharedCalls()

    @property
    def model(self) -> ModelInfo:
        """The model that answers. Raises NotReady while there is none."""
        return self._ready().info

    async def embed_image(self, content: bytes, lane: Lane) -> ImageEmbedding:
        """The vector of one encoded image.

        Raises InvalidInput and its kin for a bad image, Overloaded for a full queue.
        """
        return await self._embed_image(self._ready(), content, lane)

    async def embed_texts(self, texts: Sequence[str], lane: Lane) -> list[Vector]:
        """One vector per text, in order."""
        _check_texts("texts", texts, MAX_TEXTS, MAX_TEXT_CHARS)
        embedder = self._ready()
        return await self._embed_texts(embedder, texts, lane)

    async def classify_image(
        self, content: bytes, labels: Sequence[str], lane: Lane
    ) -> tuple[list[LabelScore], ModelInfo]:
        """How well each label fits: the softmax of its prompt against the neutral prompt."""
        _check_texts("labels", labels, MAX_LABELS, MAX_LABEL_CHARS)
        prompts = [f"a photo of a {label}." for label in labels]
        confidences, model = await self._confidences(content, prompts, lane)
        pairs = zip(labels, confidences, strict=True)
        return [LabelScore(label, confidence) for label, confidence in pairs], model

    async def describes(self, content: bytes, text: str, lane: Lane) -> float:
        """How well `text`, taken as it is, describes the image: 0 to 1, as for labels."""
        [confidence], _ = await self._confidences(content, [text], lane)
        return confidence

    async def _confidences(
        self, content: bytes, prompts: Sequence[str], lane: Lane
    ) -> tuple[list[float], ModelInfo]:
        model = await self._load_zero_shot()
        image = await self._embed_image(model, content, lane)
        vectors = await self._embed_texts(model, [NEUTRAL_PROMPT, *prompts], lane)
        neutral, *cosines = (float(image.vector @ vector) for vector in vectors)
        return [_sigmoid(model.logit_scale * (cosine - neutral)) for cosine in cosines], model.info

    def _ready(self) -> Embedder:
        if self.embedder is None:
            raise NotReady(f"the embedding model is not ready: {self.reason}", retry_after_s=2)
        return self.embedder

    async def _embed_image(self, embedder: Embedder, content: bytes, lane: Lane) -> ImageEmbedding:
        if not content:
            raise InvalidInput("'image' is empty", fields={"image": "is empty"})
        key = (hashlib.sha256(content).digest(), embedder.info)
        cached = self._images.get(key)
        metrics.CACHE.labels("miss" if cached is None else "hit").inc()
        if cached is not None:
            return cached
        embedding = await self._image_calls.run(
            (key, lane), lambda: self._compute_image(embedder, content, lane)
        )
        self._images.put(key, embedding)
        return embedding

    async def _compute_image(
        self, embedder: Embedder, content: bytes, lane: Lane
    ) -> ImageEmbedding:
        async with self._admission.admitted(lane):
            deadlines.check()
            image = await self._decode(content, embedder.image_size)
            vector = await self._batcher.submit(embedder.embed_images, image.pixels, lane)
        return ImageEmbedding(_finite(vector), image.width, image.height, image.content_type)

    async def _decode(self, content: bytes, side: int) -> PreparedImage:
        started = time.perf_counter()
        loop = asyncio.get_running_loop()
        image = await loop.run_in_executor(self._decoders, self._prepare, content, side)
        metrics.PREPROCESS_SECONDS.observe(time.perf_counter() - started)
        return image

    async def _embed_texts(
        self, embedder: Embedder, texts: Sequence[str], lane: Lane
    ) -> list[Vector]:
        known = {text: self._texts.get((text, embedder.info)) for text in texts}
        missing = [text for text, vector in known.items() if vector is None]
        if missing:
            async with self._admission.admitted(lane):
                deadlines.check()
                made = await asyncio.gather(
                    *(self._batcher.submit(embedder.embed_texts, text, lane) for text in missing)
                )
            for text, vector in zip(missing, made, strict=True):
                known[text] = _finite(vector)
                self._texts.put((text, embedder.info), vector)
        return [vector for text in texts if (vector := known[text]) is not None]


def _finite(vector: Vector) -> Vector:
    if not np.isfinite(vector).all():
        raise FacetError("the model gave a vector that is not finite")
    return vector


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _check_texts(field: str, texts: Sequence[str], most: int, most_chars: int) -> None:
    if not 1 <= len(texts) <= most:
        message = f"must have 1 to {most} elements"
        raise InvalidInput(f"'{field}' {message}", fields={field: message})
    for index, text in enumerate(texts):
        if not text.strip() or len(text) > most_chars:
            message = f"must have 1 to {most_chars} characters"
            raise InvalidInput(
                f"'{field}[{index}]' {message}", fields={f"{field}[{index}]": message}
            )
