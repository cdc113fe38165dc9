"""Finding images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from facetkit import deadlines
from facetkit.errors import InvalidInput, NotFound, NotReady
from search.domain import MAX_WINDOW, Filter, Found, Hit, ModelInfo, Page, Statistics, Vector
from search.generations import Generation
from search.index import Index
from search.manifest import Counts, Holdings, Manifest

MAX_TOP_K = 100
MAX_TEXT_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Query:
    """What to search by: exactly one of these; `key` is a stored image's."""

    image: bytes | None = None
    text: str | None = None
    key: str | None = None
    vector: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class IndexStatistics:
    """The index, its model, and what is being built to follow it."""

    model: ModelInfo
    rows: Statistics
    counts: Counts
    building: str
    built: int


class SearchService:
    """Searches over the generation that answers."""

    def __init__(self, index: Index, manifest: Manifest, holdings: Holdings) -> None:
        self._index, self._manifest, self._holdings = index, manifest, holdings

    @property
    def model(self) -> ModelInfo:
        """The model whose vectors are searched. Raises NotReady while there is none."""
        return self._index.active.model

    async def search(self, query: Query, page: Page, accept: Filter) -> Found:
        """The stored images nearest to the query."""
        _check_page(page)
        generation = self._index.active
        vector = await self._vector(generation, query)
        deadlines.check()
        if not accept.prefix:
            return await generation.store.search(vector, page, accept)
        others = await self._manifest.with_other_key(accept.prefix)
        accept = replace(accept, prefix_ids=frozenset(others))
        found = await generation.store.search(vector, page, accept)
        return Found([_named(hit, others) for hit in found.hits], found.total)

    async def statistics(self) -> IndexStatistics:
        """Counts and identity of the index."""
        active, building = self._index.active, self._index.building
        return IndexStatistics(
            active.model,
            await active.store.statistics(),
            await self._manifest.counts(),
            building.name if building else "",
            await self._holdings.count(building.name) if building else 0,
        )

    async def _vector(self, generation: Generation, query: Query) -> Vector:
        given = [name for name in ("image", "text", "key") if getattr(query, name) is not None]
        if query.vector is not None:
            return _unit(query.vector, generation.model.dimensions)
        if len(given) != 1:
            raise InvalidInput("exactly one of 'image', 'text' and 'key' is required")
        if query.key is not None:
            return await self._stored_vector(generation, query.key)
        if query.text is not None:
            return await _text_vector(generation, query.text)
        found = await generation.embedding().embed_image(query.image or b"")
        _check_model(generation.model, found.model)
        return found.vector

    async def _stored_vector(self, generation: Generation, key: str) -> Vector:
        entry = await self._manifest.entry(key)
        row = await generation.store.get(entry.image_id) if entry and entry.image_id else None
        if row is None:
            raise NotFound(
                f"no image is stored under '{key[:200]}'", fields={"key": "is not stored"}
            )
        return row.vector


async def _text_vector(generation: Generation, text: str) -> Vector:
    if not text.strip() or len(text) > MAX_TEXT_CHARS:
        message = f"must have 1 to {MAX_TEXT_CHARS} characters"
        raise InvalidInput(f"'text' {message}", fields={"text": message})
    vector, model = await generation.embedding().embed_text(text)
    _check_model(generation.model, model)
    return vector


def _unit(values: Sequence[float], dimensions: int) -> Vector:
    vector = np.asarray(values, np.float32)
    norm = float(np.linalg.norm(vector)) if vector.size else 0.0
    if vector.shape != (dimensions,) or not np.isfinite(norm) or norm == 0:
        message = f"must be {dimensions} finite numbers that are not all zero"
        raise InvalidInput(f"'vector' {message}", fields={"vector": message})
    unit: Vector = vector / np.float32(norm)
    return unit


def _named(hit: Hit, others: dict[str, str]) -> Hit:
    key = others.get(hit.item.id)
    return replace(hit, item=replace(hit.item, key=key)) if key else hit


def _check_model(indexed: ModelInfo, used: ModelInfo) -> None:
    if indexed != used:
        raise NotReady(
            f"the index holds vectors of {indexed.name} {indexed.version}, but vision-models "
            f"now serves {used.name} {used.version}",
            retry_after_s=30,
        )


def _check_page(page: Page) -> None:
    if not 1 <= page.top_k <= MAX_TOP_K:
        message = f"must be 1 to {MAX_TOP_K}"
        raise InvalidInput(f"'top_k' {message}", fields={"top_k": message})
    if page.offset < 0 or page.window > MAX_WINDOW:
        message = f"must be 0 or more, and with top_k at most {MAX_WINDOW}"
        raise InvalidInput(f"'offset' {message}", fields={"offset": message})
