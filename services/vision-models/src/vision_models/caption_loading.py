"""Captioners by their keys: which weights they stand for, and how they come into memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import structlog

from facetkit import registry
from facetkit.memory import release, settle
from vision_models import metrics
from vision_models.domain import Captioner, ModelInfo
from vision_models.loading import HubModel

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CaptionerLoader:
    """What loading needs to know; as ModelLoader, whose lock it shares."""

    demo: bool
    models_dir: Path
    device: str
    dtype: str
    max_new_tokens: int
    captioners: Mapping[str, str]
    hub: Mapping[str, HubModel]
    one_at_a_time: Lock

    def identity(self, key: str) -> ModelInfo:
        """Which weights `key` stands for; they need not be there. Raises NotReady."""
        from vision_models import demo
        from vision_models.models import weights

        if self.demo:
            with self.one_at_a_time:
                found = demo.weights_for(key, self.models_dir)
        else:
            hub = self.hub[key]
            found = weights.identity(hub.id, hub.revision, "full")
        return ModelInfo(found.name, found.version, found.model_set, dimensions=0)

    def load(self, key: str) -> Captioner:
        """The captioner, loaded and warm. Raises NotReady with the reason."""
        from vision_models import demo
        from vision_models.models import device, weights

        found = None if self.demo else weights.from_hub(*self.hub[key].source)
        placement = device.place(self.device, self.dtype)
        load = registry.load(self.captioners, key)
        with self.one_at_a_time:
            found = found or demo.weights_for(key, self.models_dir)
            captioner: Captioner = load(found, placement, self.max_new_tokens)
            captioner.warm_up()
        settle()
        metrics.MODEL_LOADED.labels(captioner.info.name).set(1)
        log.info("model ready", model=captioner.info.name, model_set=captioner.info.model_set)
        return captioner


def unload(captioner: Captioner) -> None:
    """Takes the captioner out of memory; called where nothing is computed by it any more."""
    captioner.unload()
    release()
    metrics.MODEL_LOADED.labels(captioner.info.name).set(0)
    log.info("model unloaded", model=captioner.info.name)
