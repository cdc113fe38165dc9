"""Embeddings and zero-shot labels: cache, share, admit, decode, batch."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from facetkit import deadlines
from facetkit.errors import InvalidInput
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
from vision_models.kept_model import KeptModel
from vision_models.label_prompts import NEUTRAL
from vision_models.label_vectors import LabelVectors
from vision_models.recent_results import RecentResults
from vision_models.shared_calls import SharedCalls
from vision_models.text_limits import check_labels, check_texts
from vision_models.vectors import Vector, confidences, finite

Prepare = Callable[[bytes, int], PreparedImage]
"""Decodes an image into a square of the given side; called in a decoder thread."""

NEUTRAL_TEXT = "a photo."


class EmbeddingService:
    """Vectors by the model that `embedder` keeps, labels by one that is loaded on use."""

    def __init__(
        self,
        *,
        embedder: KeptModel[Embedder],
        batcher: Batcher,
        admission: Admission,
        decoders: ThreadPoolExecutor,
        prepare: Prepare,
        load_zero_shot: Callable[[], Awaitable[ZeroShotModel]],
        labels: LabelVectors,
        common_objects: Sequence[str],
        cache_size: int,
    ) -> None:
        self._embedder = embedder
        self._batcher = batcher
        self._admission = admission
        self._decoders = decoders
        self._prepare = prepare
        self._load_zero_shot = load_zero_shot
        self._labels = labels
        self._common_objects = common_objects
        self._images: RecentResults[ImageEmbedding] = RecentResults(cache_size)
        self._texts: RecentResults[Vector] = RecentResults(cache_size)
        self._image_calls: SharedCalls[ImageEmbedding] = SharedCalls()

    @property
    def model(self) -> ModelInfo:
        """The model that answers. Raises NotReady while there is none."""
        return self._embedder.get().info

    async def embed_image(self, content: bytes, lane: Lane) -> ImageEmbedding:
        """The vector of one encoded image.

        Raises InvalidInput and its kin for a bad image, Overloaded for a full queue.
        """
        return await self._embed_image(self._embedder.get(), content, lane)

    async def embed_texts(self, texts: Sequence[str], lane: Lane) -> list[Vector]:
        """One vector per text, in order."""
        check_texts(texts)
        return await self._embed_texts(self._embedder.get(), texts, lane)

    async def classify_image(
        self, content: bytes, labels: Sequence[str], lane: Lane, top: int = 0
    ) -> tuple[list[LabelScore], ModelInfo]:
        """How well each label fits, in order; without labels, each of the common objects.

        With `top`, only so many of the best, best first. Raises InvalidInput for bad labels.
        """
        check_labels(labels)
        asked = labels or self._common_objects
        model = await self._load_zero_shot()
        image = await self._embed_image(model, content, lane)
        neutral, *vectors = await self._labels.embed(model, [NEUTRAL, *asked], lane)
        fits = confidences(image.vector, vectors, neutral, model.logit_scale)
        scores = [LabelScore(label, fit) for label, fit in zip(asked, fits, strict=True)]
        return _best(scores, top) if top else scores, model.info

    async def describes(self, content: bytes, text: str, lane: Lane) -> float:
        """How well `text`, taken as it is, describes the image: 0 to 1, as for labels."""
        model = await self._load_zero_shot()
        image = await self._embed_image(model, content, lane)
        neutral, vector = await self._embed_texts(model, [NEUTRAL_TEXT, text], lane)
        [fit] = confidences(image.vector, [vector], neutral, model.logit_scale)
        return fit

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
        return ImageEmbedding(finite(vector), image.width, image.height, image.content_type)

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
                known[text] = finite(vector)
                self._texts.put((text, embedder.info), vector)
        return [vector for text in texts if (vector := known[text]) is not None]


def _best(scores: Sequence[LabelScore], top: int) -> list[LabelScore]:
    return sorted(scores, key=lambda score: score.confidence, reverse=True)[:top]
