"""The index: vectors of the model that answers, and of the one that is to follow it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog

from facetkit.errors import Conflict, NotReady
from search.domain import Collections, Embedder, ModelInfo
from search.generations import Generation, Generations
from search.manifest import Holdings
from search.reconciling import Reconciling
from search.serving import Serving

log = structlog.get_logger(__name__)


class Index:
    """Which generation answers searches, and which is being built to answer next.

    `embedders` are asked for their models; the last one's model is the one wanted.
    """

    def __init__(
        self,
        collections: Collections,
        embedders: Sequence[Embedder],
        holdings: Holdings,
        reconciling: Reconciling,
    ) -> None:
        self._collections = collections
        self._serving = Serving(embedders, collections.name)
        self._holdings = holdings
        self._generations = Generations(collections, holdings, reconciling)
        self._changing = asyncio.Lock()
        self._active: Generation | None = None
        self.building: Generation | None = None
        self.reason = "starting"

    @property
    def active(self) -> Generation:
        """The generation that answers. Raises NotReady while there is none."""
        if self._active is None:
            raise NotReady(f"search is not ready: {self.reason}", retry_after_s=2)
        return self._active

    @property
    def generations(self) -> list[Generation]:
        """All generations that are kept in step with the object store."""
        return [self.active, *([self.building] if self.building else [])]

    def generation(self, collection: str) -> Generation:
        """The generation of that name. Raises Conflict where there is none any more."""
        for generation in self.generations:
            if generation.name == collection:
                return generation
        raise _unwanted(collection)

    async def open(self) -> None:
        """Opens what answers. Raises NotReady or Unavailable."""
        served = await self._serving.served()
        name = await self._collections.active()
        kept = (await self._holdings.models()).get(name)
        if name not in served and kept is not None:
            self._active = await self._generations.open(name, kept, None, answers=True)
            return
        wanted = list(served)[-1]
        name = name if name in served else wanted
        self._active = await self._generations.open(name, *served[name], answers=True)

    async def refresh(self) -> None:
        """Takes notice of models that vision-models began or ceased to serve."""
        served = await self._serving.served()
        async with self._changing:
            _, embedder = served.get(self.active.name, (None, None))
            self._active = replace(self.active, embedder=embedder)
            await self._build(*list(served.items())[-1])

    async def promote(self, collection: str) -> Generation:
        """Lets what was built answer from now on; answers what did before.

        Raises Conflict where something else is being built by now.
        """
        async with self._changing:
            before, built = self.active, self.building
            if built is None or built.name != collection:
                raise _unwanted(collection)
            await self._collections.switch(collection)
            self._take_over(built)
            await self._generations.drop_all_but({before.name, collection})
        return before

    async def close(self) -> None:
        """Closes the stores."""
        await self._generations.close()
        for generation in filter(None, (self._active, self.building)):
            await generation.store.close()

    async def _build(self, wanted: str, served: tuple[ModelInfo, Embedder]) -> None:
        building = self.building
        if building and building.name == wanted:
            # Another process of the service may have built it.
            if await self._collections.active() == wanted:
                self._take_over(building)
            return
        if building:
            self.building = None
            self._generations.close_later(building)
        if wanted != self.active.name:
            self.building = await self._generations.open(wanted, *served, answers=False)
            log.info("another model is wanted", collection=wanted)

    def _take_over(self, built: Generation) -> None:
        self._generations.close_later(self.active)
        self._active, self.building = built, None


def _unwanted(collection: str) -> Conflict:
    return Conflict(f"the collection '{collection}' is no longer wanted")
