"""A model that is loaded when the process begins, and stays."""

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import structlog

from facetkit.errors import FacetError, NotReady
from facetkit.health import Health
from facetkit.memory import settle
from vision_models import metrics
from vision_models.domain import ModelInfo

log = structlog.get_logger(__name__)

LOAD_RETRY_S = 30.0


class _Named(Protocol):
    info: ModelInfo


Model = TypeVar("Model", bound=_Named)


class KeptModel(Generic[Model]):
    """The model of `family`, once `keep` has loaded it; until then the reason why it is missing."""

    def __init__(self, family: str) -> None:
        self._family = family
        self._model: Model | None = None
        self._reason = "loading"

    @property
    def health(self) -> Health:
        """Ready once the model is in memory."""
        return Health(self._model is not None, "" if self._model else self._reason)

    def get(self) -> Model:
        """The model. Raises NotReady with the reason where there is none yet."""
        if self._model is None:
            told = f"the {self._family} model is not ready: {self._reason}"
            raise NotReady(told, retry_after_s=2)
        return self._model

    async def keep(self, load: Callable[[], Model]) -> None:
        """Calls `load` in a thread until it succeeds."""
        while self._model is None:
            try:
                self.put(await asyncio.to_thread(load))
                settle()
            except Exception as error:
                known = isinstance(error, FacetError)
                self._reason = str(error) if known else "its weights cannot be loaded; see the log"
                log.exception("model not ready", family=self._family)
                await asyncio.sleep(LOAD_RETRY_S)

    def put(self, model: Model) -> None:
        """Takes `model`, warm, in place of the one that may have been there."""
        self._model = model
        metrics.MODEL_LOADED.labels(model.info.name).set(1)
        log.info("model ready", model=model.info.name, model_set=model.info.model_set)
