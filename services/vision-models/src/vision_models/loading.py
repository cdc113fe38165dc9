"""Chooses a model's weights by the settings and loads it, warm, by its registry."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from facetkit import registry
from vision_models import metrics
from vision_models.domain import Embedder, ZeroShotModel
from vision_models.settings import Settings

log = structlog.get_logger(__name__)


def load_embedder(settings: Settings, embedders: Mapping[str, str]) -> Embedder:
    """The embedding model, loaded and warm. Raises NotReady with the reason."""
    from vision_models import demo

    model: Embedder = _load_model(
        settings,
        registry.load(embedders, "sentence-transformers"),
        demo.folder_of(settings.models_dir, demo.EMBEDDING),
        (settings.embedding_model, settings.embedding_revision),
    )
    return model


def load_zero_shot(settings: Settings, models: Mapping[str, str]) -> ZeroShotModel:
    """The zero-shot model, loaded and warm. Raises NotReady with the reason."""
    from vision_models import demo

    model: ZeroShotModel = _load_model(
        settings,
        registry.load(models, "transformers"),
        demo.folder_of(settings.models_dir, demo.ZERO_SHOT),
        (settings.zero_shot_model, settings.zero_shot_revision),
    )
    return model


def _load_model(
    settings: Settings, load: Callable[..., Any], demo_folder: Path, hub: tuple[str, str]
) -> Any:
    import torch

    from vision_models import demo
    from vision_models.models import device, weights

    torch.set_num_threads(settings.vision_threads)
    if settings.facet_models == "demo":
        demo.ensure(settings.models_dir)
        found = weights.from_folder(demo_folder, demo.MODEL_SET)
    else:
        found = weights.from_hub(*hub, model_set="full")
    model = load(found, device.place(settings.vision_device, settings.vision_dtype))
    model.warm_up()
    metrics.MODEL_LOADED.labels(model.info.name).set(1)
    log.info("model ready", model=model.info.name, model_set=model.info.model_set)
    return model
