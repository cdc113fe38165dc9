"""Which embedding models vision-models serves."""

from collections.abc import Callable, Mapping, Sequence

from facetkit.errors import FacetError
from search.domain import Embedder, ModelInfo

Served = Mapping[str, tuple[ModelInfo, Embedder]]
"""Models and who serves them, by collection; the one that is wanted comes last."""


class Serving:
    """Asks `embedders` for their models; the last one's model is the one that is wanted."""

    def __init__(self, embedders: Sequence[Embedder], name: Callable[[ModelInfo], str]) -> None:
        self._embedders, self._name = embedders, name
        self._models: dict[int, ModelInfo] = {}

    async def served(self) -> Served:
        """What is served now; by an embedder that does not answer, what it served last.

        Raises NotReady or Unavailable where none ever answered.
        """
        unheard: FacetError | None = None
        for place, embedder in enumerate(self._embedders):
            try:
                self._models[place] = await embedder.model()
            except FacetError as error:
                unheard = error
        if unheard and not self._models:
            raise unheard
        served: dict[str, tuple[ModelInfo, Embedder]] = {}
        for place, model in sorted(self._models.items()):
            served.pop(self._name(model), None)
            served[self._name(model)] = (model, self._embedders[place])
        return served
