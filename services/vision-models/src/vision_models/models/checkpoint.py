"""A captioner's folder → its model on the device, and its identity."""

from typing import Any

from facetkit.errors import NotReady
from vision_models.domain import ModelInfo
from vision_models.models.device import Placement
from vision_models.models.weights import Weights


def load_model(architecture: Any, weights: Weights, placement: Placement) -> Any:
    """The model, ready for inference; touches no network and runs nothing that a file holds.

    Raises NotReady where the files lack a part of it: the library would draw it at random.
    """
    model, report = architecture.from_pretrained(
        weights.folder,
        dtype=placement.dtype,
        local_files_only=True,
        weights_only=True,
        output_loading_info=True,
    )
    if report["missing_keys"]:
        raise NotReady(f"the weights in {weights.folder} lack {min(report['missing_keys'])}")
    return model.to(placement.device).eval()


def identity(weights: Weights) -> ModelInfo:
    """A captioner's identity: it has no vectors, so no dimensions."""
    return ModelInfo(weights.name, weights.version, weights.model_set, 0)
