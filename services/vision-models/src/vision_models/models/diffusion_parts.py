"""A folder in the layout of Stable Diffusion v1 → its networks on the device."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from diffusers.utils import logging
from safetensors import SafetensorError
from transformers import AutoTokenizer, CLIPImageProcessorPil, CLIPTextModel

from facetkit.errors import NotReady
from vision_models.models.device import Placement
from vision_models.models.weights import Weights


@dataclass(frozen=True, slots=True)
class DiffusionParts:
    """The networks, shared by all pipelines, and the configuration of the schedulers."""

    networks: Mapping[str, Any]
    scheduler: Mapping[str, Any]
    latent_side: int

    def pipeline(self, kind: Any, scheduler: Any) -> Any:
        """A pipeline over the shared networks that keeps a state of its own."""
        checked = self.networks["safety_checker"] is not None
        pipeline = kind(**self.networks, scheduler=scheduler, requires_safety_checker=checked)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline


def load(weights: Weights, placement: Placement, *, safety_checker: bool) -> DiffusionParts:
    """The parts, ready for inference; safetensors alone, so that nothing a file holds is run.

    Raises NotReady where files are missing or damaged, and where they lack a part of a network.
    """
    # It repeats callers' prompts where they are too long.
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    folder = Path(weights.folder)
    network = _Networks(weights, placement)
    unet = network.load("unet", UNet2DConditionModel)
    networks = {
        "unet": unet,
        "vae": network.load("vae", AutoencoderKL),
        "text_encoder": network.load("text_encoder", CLIPTextModel),
        "tokenizer": network.read("tokenizer", AutoTokenizer.from_pretrained),
        "safety_checker": None,
        "feature_extractor": None,
    }
    if safety_checker and (folder / "safety_checker").is_dir():
        networks["safety_checker"] = network.load("safety_checker", StableDiffusionSafetyChecker)
        reader = CLIPImageProcessorPil.from_pretrained
        networks["feature_extractor"] = network.read("feature_extractor", reader)
    scheduler = network.read("scheduler", _scheduler_config)
    return DiffusionParts(networks, scheduler, int(unet.config.sample_size))


@dataclass(frozen=True, slots=True)
class _Networks:
    weights: Weights
    placement: Placement

    def read(self, part: str, reader: Callable[[Path], Any]) -> Any:
        folder = Path(self.weights.folder) / part
        try:
            return reader(folder)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise NotReady(f"{part} of {self.weights.name} is missing or damaged") from error

    def load(self, part: str, architecture: Any) -> Any:
        folder = Path(self.weights.folder) / part
        if next(folder.glob("*.safetensors"), None) is None:
            raise NotReady(f"{part} of {self.weights.name} holds no safetensors")
        try:
            network, report = architecture.from_pretrained(
                folder,
                dtype=self.placement.dtype,
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
            )
        except (OSError, RuntimeError, ValueError, TypeError, SafetensorError) as error:
            raise NotReady(f"{part} of {self.weights.name} is damaged") from error
        if report["missing_keys"]:
            raise NotReady(f"{part} of {self.weights.name} lacks {min(report['missing_keys'])}")
        return self._placed(network)

    def _placed(self, network: Any) -> Any:
        if self.placement.device.startswith("cuda"):
            network = network.to(memory_format=torch.channels_last)
        return network.to(self.placement.device).eval().requires_grad_(False)


def _scheduler_config(folder: Path) -> dict[str, Any]:
    config = json.loads((folder / "scheduler_config.json").read_text(encoding="utf-8"))
    # Some of the schedulers would clip what Stable Diffusion's latents need.
    return {**config, "clip_sample": False}
