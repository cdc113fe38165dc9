"""A captioner's folder → its model on the device, and its identity."""

import json
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from safetensors import SafetensorError

from facetkit.errors import NotReady
from vision_models.domain import ModelInfo
from vision_models.models.device import Placement
from vision_models.models.weights import Weights

_WEIGHTS = ("*.safetensors", "*.bin")


def load_model(architecture: Any, weights: Weights, placement: Placement) -> Any:
    """The model, ready for inference; touches no network and runs nothing that a file holds.

    Raises NotReady where files are missing or damaged, and where they lack a part of the model:
    the library would draw it at random.
    """
    folder = Path(weights.folder)
    if not any(file for pattern in _WEIGHTS for file in folder.glob(pattern)):
        raise NotReady(f"the folder of {weights.name} holds no weights")
    if not _is_json(folder / "config.json"):
        raise NotReady(f"config.json of {weights.name} is missing or damaged")
    try:
        model, report = architecture.from_pretrained(
            folder,
            dtype=placement.dtype,
            local_files_only=True,
            weights_only=True,
            output_loading_info=True,
        )
    except (OSError, RuntimeError, ValueError, SafetensorError, UnpicklingError) as error:
        raise NotReady(f"the weights of {weights.name} are damaged") from error
    if report["missing_keys"]:
        raise NotReady(f"the weights of {weights.name} lack {min(report['missing_keys'])}")
    return model.to(placement.device).eval()


def _is_json(file: Path) -> bool:
    try:
        return isinstance(json.loads(file.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False


def identity(weights: Weights) -> ModelInfo:
    """A captioner's identity: it has no vectors, so no dimensions."""
    return ModelInfo(weights.name, weights.version, weights.model_set, 0)
