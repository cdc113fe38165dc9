"""Finds a model's weights and loads it, warm, by its registry."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

import structlog

from facetkit import registry
from vision_models import metrics
from vision_models.domain import Embedder, ZeroShotModel

log = structlog.get_logger(__name__)

Libraries = Callable[[], Awaitable[object]]
"""Waits until what loads models has been imported."""


def import_libraries(threads: int, implementations: Iterable[str]) -> bool:
    """Imports torch, transformers and the modules of `implementations`, which takes seconds.

    By one thread, before others load models: modules of transformers that import each other are
    seen half made where two threads import them at once.
    """
    import torch
    from transformers.utils import logging

    import_module("vision_models.demo")
    for implementation in implementations:
        import_module(implementation.partition(":")[0])
    silence: Any = logging.disable_progress_bar
    silence()
    torch.set_num_threads(threads)
    return True


@dataclass(frozen=True, slots=True)
class HubModel:
    """A hub id, or a folder in its place, with the revision that is pinned."""

    id: str
    revision: str
    token: str = field(default="", repr=False)

    @property
    def source(self) -> tuple[str, str, str, str]:
        """Id, revision, model set and token, as `weights.from_hub` takes them."""
        return self.id, self.revision, "full", self.token


@dataclass(frozen=True, slots=True)
class ModelLoader:
    """What loading needs to know; a `demo` model that is not shipped is made below `models_dir`.

    Whoever loads holds `one_at_a_time`: transformers changes classes of its own meanwhile.
    """

    demo: bool
    models_dir: Path
    device: str
    dtype: str
    embedders: Mapping[str, str]
    zero_shot_models: Mapping[str, str]
    one_at_a_time: Lock

    def embedder(self, hub: HubModel) -> Embedder:
        """The embedding model, loaded and warm. Raises NotReady with the reason."""
        model: Embedder = self._load(self.embedders, "sentence-transformers", "embedding", hub)
        return model

    def zero_shot(self, hub: HubModel) -> ZeroShotModel:
        """The zero-shot model, loaded and warm. Raises NotReady with the reason."""
        model: ZeroShotModel = self._load(self.zero_shot_models, "transformers", "zero-shot", hub)
        metrics.MODEL_LOADED.labels(model.info.name).set(1)
        log.info("model ready", model=model.info.name, model_set=model.info.model_set)
        return model

    def _load(self, models: Mapping[str, str], library: str, purpose: str, hub: HubModel) -> Any:
        from vision_models import demo
        from vision_models.models import device, weights

        # Outside the lock: a download takes as long as it takes.
        found = None if self.demo else weights.from_hub(*hub.source)
        with self.one_at_a_time:
            found = found or demo.weights_for(purpose, self.models_dir)
            model = registry.load(models, library)(found, device.place(self.device, self.dtype))
            model.warm_up()
        return model
