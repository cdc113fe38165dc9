"""Generations of vectors, one for each model: opened, closed and dropped."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

import structlog

from facetkit.errors import FacetError, NotReady
from search.domain import Collections, Embedder, ModelInfo, VectorStore
from search.manifest import Holdings
from search.reconciling import Reconciling

log = structlog.get_logger(__name__)

CLOSE_AFTER_S = 60.0
"""Longer than any search that began before the switch."""


@dataclass(frozen=True, slots=True)
class Generation:
    """The vectors of one model; `embedder` is None while nobody serves that model."""

    name: str
    model: ModelInfo
    store: VectorStore
    embedder: Embedder | None

    def embedding(self) -> Embedder:
        """Who embeds for these vectors. Raises NotReady."""
        if self.embedder is None:
            raise NotReady(
                f"the index holds vectors of {self.model.name} {self.model.version}, which "
                "vision-models no longer serves; another one is being built",
                retry_after_s=30,
            )
        return self.embedder


class Generations:
    """Those of one vector store."""

    def __init__(
        self, collections: Collections, holdings: Holdings, reconciling: Reconciling
    ) -> None:
        self._collections = collections
        self._holdings, self._reconciling = holdings, reconciling
        self._closing: set[asyncio.Task[None]] = set()

    async def open(
        self, name: str, model: ModelInfo, embedder: Embedder | None, *, answers: bool
    ) -> Generation:
        """Opens a collection, made where it is missing.

        One that `answers` is reconciled first, so nobody may write to it yet.
        """
        store = self._collections.store()
        try:
            await store.open(model)
            await self._holdings.remember(name, model)
            if answers:
                await self._reconciling.open(name, store)
                await self._collections.switch(name)
        except BaseException:
            await store.close()
            raise
        return Generation(name, model, store, embedder)

    def close_later(self, generation: Generation) -> None:
        """Closes a generation when nobody uses it any more."""
        task = asyncio.create_task(_closed_later(generation.store))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def drop_all_but(self, kept: Collection[str]) -> None:
        """Removes the collections of other models, as far as it goes."""
        for name in await self._holdings.models():
            if name in kept:
                continue
            try:
                await self._collections.drop(name)
                await self._holdings.forget(name)
            except FacetError as error:
                log.warning("an old collection stays", collection=name, error=error.message)

    async def close(self) -> None:
        """Closes at once what was to be closed later."""
        closing = list(self._closing)
        for task in closing:
            task.cancel()
        await asyncio.gather(*closing, return_exceptions=True)


async def _closed_later(store: VectorStore) -> None:
    try:
        await asyncio.sleep(CLOSE_AFTER_S)
    finally:
        await store.close()
