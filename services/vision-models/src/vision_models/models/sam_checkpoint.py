"""A file of SAM's weights → the network; nothing that the file holds is run."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from facetkit.errors import NotReady
from vision_models.models.checkpoint_file import only_file
from vision_models.models.sam_geometry import PIXEL_MEAN, PIXEL_STD, build, read_geometry
from vision_models.models.weights import Weights


def load_network(weights: Weights) -> Any:
    """The network in float32 on the CPU, of whatever size the weights have.

    `weights.folder` is the folder of one .pth or .pt file, or that file.
    Raises NotReady where there is none, or where it is damaged, incomplete or of another model.
    """
    tensors = _read(only_file(Path(weights.folder), weights.name), weights.name)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    network = _network(shapes, weights.name)
    # Copied: who overwrites a file that is mapped into memory ends the process.
    copied = {name: tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}
    network.load_state_dict(copied, assign=True)
    network.pixel_mean = torch.tensor(PIXEL_MEAN).view(-1, 1, 1)
    network.pixel_std = torch.tensor(PIXEL_STD).view(-1, 1, 1)
    return network.requires_grad_(False)


def _network(shapes: Mapping[str, tuple[int, ...]], name: str) -> Any:
    """The network of these sizes, still without its weights."""
    try:
        # Without memory of its own: that would be as much again as the weights.
        with torch.device("meta"):
            network = build(read_geometry(shapes))
    except KeyError as error:
        raise NotReady(f"the checkpoint of {name} lacks {error.args[0]}") from error
    except (ArithmeticError, AssertionError, RuntimeError, ValueError) as error:
        raise NotReady(f"the sizes in the checkpoint of {name} are no SAM's") from error
    _check_alike(shapes, network.state_dict(), name)
    return network


def _read(file: Path, name: str) -> Mapping[str, torch.Tensor]:
    try:
        read = torch.load(
            file, weights_only=True, mmap=zipfile.is_zipfile(file), map_location="cpu"
        )
    except UnpicklingError as error:
        reason = "is damaged or holds more than tensors"
        raise NotReady(f"the checkpoint of {name} {reason}") from error
    except Exception as error:
        # No list is complete: a damaged pickle fails at whatever it says instead.
        raise NotReady(f"the checkpoint of {name} is damaged") from error
    if not isinstance(read, dict) or not read:
        raise NotReady(f"the checkpoint of {name} holds no weights by name")
    for key, value in read.items():
        tensor = isinstance(value, torch.Tensor) and value.is_floating_point()
        if not (tensor and isinstance(key, str)):
            raise NotReady(f"the checkpoint of {name} holds more than tensors: {str(key)[:80]}")
    return read


def _check_alike(
    shapes: Mapping[str, tuple[int, ...]], expected: Mapping[str, torch.Tensor], name: str
) -> None:
    for key, tensor in expected.items():
        if key not in shapes:
            raise NotReady(f"the checkpoint of {name} lacks {key}")
        if shapes[key] != tuple(tensor.shape):
            raise NotReady(f"{key} in the checkpoint of {name} has another shape")
    for key in shapes:
        if key not in expected:
            raise NotReady(f"the checkpoint of {name} holds what SAM has not: {key[:80]}")
