"""Labels as vectors: remembered, and computed a batch at a time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facetkit import deadlines
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.domain import Embedder, Lane, ModelInfo, Vectors
from vision_models.label_prompts import NEUTRAL, TEMPLATES, prompts
from vision_models.recent_results import RecentResults
from vision_models.vectors import Vector, finite, unit_means


class LabelVectors:
    """One unit vector per label. Those of `kept` labels stay, of others the last `cache_size`."""

    def __init__(
        self,
        *,
        batcher: Batcher,
        admission: Admission,
        max_batch: int,
        cache_size: int,
        kept: Sequence[str] = (),
    ) -> None:
        self._batcher = batcher
        self._admission = admission
        self._max_batch = max_batch
        self._kept_labels = frozenset([NEUTRAL, *kept])
        self._kept: RecentResults[Vector] = RecentResults(len(self._kept_labels))
        self._others: RecentResults[Vector] = RecentResults(cache_size)
        self._turns = {lane: asyncio.Lock() for lane in Lane}

    async def embed(self, embedder: Embedder, labels: Sequence[str], lane: Lane) -> Vectors:
        """One row per label, NEUTRAL among them: labels × dimensions.

        Raises Overloaded for a full queue.
        """
        known = self._known(labels, embedder.info)
        missing = [label for label in dict.fromkeys(labels) if label not in known]
        if missing:
            async with self._admission.admitted(lane):
                for start in range(0, len(missing), self._max_batch):
                    part = missing[start : start + self._max_batch]
                    known |= await self._take_turn(embedder, part, lane)
        return np.stack([known[label] for label in labels])

    async def _take_turn(
        self, embedder: Embedder, labels: Sequence[str], lane: Lane
    ) -> dict[str, Vector]:
        # Of all callers' labels one batch at a time is in the queue: an image gets in between.
        async with self._turns[lane]:
            deadlines.check()
            known = self._known(labels, embedder.info)
            missing = [label for label in labels if label not in known]
            embed = _EmbedLabels(embedder)
            made = await asyncio.gather(
                *(self._batcher.submit(embed, label, lane) for label in missing)
            )
            for label, vector in zip(missing, made, strict=True):
                known[label] = finite(vector)
                self._results(label).put((label, embedder.info), vector)
        return known

    def _known(self, labels: Sequence[str], model: ModelInfo) -> dict[str, Vector]:
        found = {label: self._results(label).get((label, model)) for label in labels}
        return {label: vector for label, vector in found.items() if vector is not None}

    def _results(self, label: str) -> RecentResults[Vector]:
        return self._kept if label in self._kept_labels else self._others


@dataclass(frozen=True, slots=True)
class _EmbedLabels:
    """Work of the batcher; equal for equal embedders, so that callers' labels share a batch."""

    embedder: Embedder

    def __call__(self, labels: list[str]) -> Vectors:
        texts = [prompt for label in labels for prompt in prompts(label)]
        return unit_means(self.embedder.embed_texts(texts), len(TEMPLATES))
