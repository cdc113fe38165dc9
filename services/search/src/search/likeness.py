"""Which stored images show the same as others."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from search.domain import Filter, Fingerprint, Item, Page, Row, Similar, Tier, VectorStore
from search.duplicates import CALIBRATED, Pair, same_pixels, tier_of
from search.generations import Generation
from search.manifest import Image, Manifest, PairStore

CANDIDATES = 64
"""How many of the nearest rows are compared."""

Scores = Mapping[str, float]


class Likeness:
    """Finds pairs when images come in, so that groups of duplicates need no search."""

    def __init__(self, manifest: Manifest, pairs: PairStore) -> None:
        self._manifest, self._pairs = manifest, pairs

    async def link(
        self, generation: Generation, added: Sequence[tuple[Row, Fingerprint]]
    ) -> dict[str, list[Similar]]:
        """Compares rows that the generation has with its others, and keeps the pairs.

        The manifest need not know them yet. Answers what is similar to each, most alike first.
        """
        same = await self._manifest.with_pixels([prints.pixels for _, prints in added])
        scores = await asyncio.gather(
            *(_scores(generation.store, row, same.get(prints.pixels, ())) for row, prints in added)
        )
        wanted = sorted({image_id for found in scores for image_id in found})
        images = await self._manifest.images(wanted)
        images |= {row.item.id: Image(row.item, prints) for row, prints in added}
        # Milliseconds of processor time for each image.
        similar = await asyncio.to_thread(_all_similar, added, scores, images)
        pairs = [_pair(image_id, other) for image_id, others in similar.items() for other in others]
        await self._pairs.add(generation.name, pairs)
        return similar

    async def similar(self, generation: Generation, item: Item) -> list[Similar]:
        """What was found to be similar to a stored image, its other keys first."""
        keys = (await self._manifest.keys_of([item.id])).get(item.id, [])
        copies = [Similar(replace(item, key=key), Tier.BYTES, 1.0, True) for key in keys]
        pairs = await self._pairs.of(generation.name, item.id)
        others = {_other(pair, item.id): pair for pair in pairs}
        images = await self._manifest.images(sorted(others))
        found = [
            Similar(image.item, pair.tier, pair.score, pair.same_pixels)
            for image_id, pair in others.items()
            if (image := images.get(image_id))
        ]
        return [copy for copy in copies if copy.item.key != item.key] + sorted(found, key=_rank)


async def _scores(store: VectorStore, row: Row, same: Sequence[str]) -> Scores:
    found = await store.search(row.vector, Page(top_k=CANDIDATES), Filter())
    close = (hit for hit in found.hits if hit.score >= CALIBRATED.cosine or hit.item.id in same)
    scores = {hit.item.id: hit.score for hit in close}
    for image_id in same:
        if image_id not in scores and (other := await store.get(image_id)):
            scores[image_id] = float(row.vector @ other.vector)
    return {image_id: score for image_id, score in scores.items() if image_id != row.item.id}


def _all_similar(
    added: Sequence[tuple[Row, Fingerprint]],
    scores: Sequence[Scores],
    images: Mapping[str, Image],
) -> dict[str, list[Similar]]:
    return {
        row.item.id: _similar(prints, found, images)
        for (row, prints), found in zip(added, scores, strict=True)
    }


def _similar(prints: Fingerprint, scores: Scores, images: Mapping[str, Image]) -> list[Similar]:
    found = []
    for image_id, score in scores.items():
        image = images.get(image_id)
        if image is None or image.fingerprint is None:
            continue
        tier = tier_of(prints, image.fingerprint, score)
        if tier is not None:
            same = same_pixels(prints, image.fingerprint)
            found.append(Similar(image.item, tier, score, same))
    return sorted(found, key=_rank)


def _rank(similar: Similar) -> tuple[int, bool, float, str]:
    return similar.tier, not similar.same_pixels, -similar.score, similar.item.id


def _other(pair: Pair, image_id: str) -> str:
    return pair.second if pair.first == image_id else pair.first


def _pair(image_id: str, other: Similar) -> Pair:
    first, second = sorted((image_id, other.item.id))
    return Pair(first, second, other.tier, other.score, other.same_pixels)
