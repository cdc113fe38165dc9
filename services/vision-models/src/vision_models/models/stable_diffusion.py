"""Stable Diffusion v1 through diffusers."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionPipeline
from PIL import Image, ImageOps

from facetkit.errors import FacetError, Unprocessable
from vision_models.domain import ModelInfo, Pixels
from vision_models.generation_domain import Drawing, Sampling
from vision_models.models import diffusion_parts
from vision_models.models.device import Placement
from vision_models.models.diffusion_parts import DiffusionParts
from vision_models.models.latent_preview import LatentPreview
from vision_models.models.schedulers import SCHEDULERS, fresh
from vision_models.models.weights import Weights

_PREVIEWS = 10
"""How many previews a picture gets at most."""


class _Abandoned(Exception):
    """Nobody waits for any picture of the batch."""


class StableDiffusion:
    """A Painter; every batch gets a pipeline and a scheduler of its own over shared networks."""

    def __init__(self, parts: DiffusionParts, info: ModelInfo, native_side: int) -> None:
        self.info = info
        self.schedulers = tuple(SCHEDULERS)
        self.native_side = native_side
        self._parts = parts
        # Of its own: a tokenizer keeps how it pads and cuts from one call to the next.
        self._counter = copy.deepcopy(parts.networks["tokenizer"])
        self._preview = LatentPreview(parts.networks["vae"])

    def reads_all(self, text: str) -> bool:
        """Whether the text fits into the encoder's tokens, 77 in Stable Diffusion v1."""
        return bool(len(self._counter(text).input_ids) <= self._counter.model_max_length)

    def draw(self, batch: Sequence[Drawing]) -> list[Pixels | FacetError | None]:
        """One picture per drawing, each from its own seed."""
        try:
            pipeline, latents = self._sample(batch)
            return [
                self._decode(pipeline, each, drawing)
                for drawing, each in zip(batch, latents, strict=True)
            ]
        except _Abandoned:
            return [None] * len(batch)

    def warm_up(self) -> None:
        """One step of a small picture."""
        sampling = Sampling(64, 64, 1, 7.5, self.schedulers[0])
        self.draw([Drawing("a photo", "", 0, sampling)])

    def _sample(self, batch: Sequence[Drawing]) -> tuple[Any, torch.Tensor]:
        sampling = batch[0].sampling
        kind: Any = StableDiffusionPipeline
        shape: dict[str, Any] = {"width": sampling.width, "height": sampling.height}
        if sampling.strength is not None:
            kind = StableDiffusionImg2ImgPipeline
            strength = _strength(sampling.strength, sampling.steps)
            shape = {"image": [_start(each) for each in batch], "strength": strength}
        scheduler = fresh(sampling.scheduler, self._parts.scheduler)
        pipeline = self._parts.pipeline(kind, scheduler)
        made = pipeline(
            prompt=[drawing.prompt for drawing in batch],
            negative_prompt=[drawing.negative_prompt for drawing in batch],
            num_inference_steps=sampling.steps,
            guidance_scale=sampling.guidance_scale,
            # By the processor: a seed means the same picture on every device.
            generator=[torch.Generator().manual_seed(drawing.seed) for drawing in batch],
            callback_on_step_end=_Steps(batch, self._preview),
            output_type="latent",
            **shape,
        )
        return pipeline, made.images

    def _decode(
        self, pipeline: Any, latents: torch.Tensor, drawing: Drawing
    ) -> Pixels | FacetError | None:
        # One at a time: together they need as much memory as pictures, and would not be equal.
        if drawing.abandoned.is_set():
            return None
        # The decoder's pass takes as long as several steps: it is not one that hangs.
        steps = _steps(pipeline, drawing)
        drawing.advance(steps, steps, None)
        with torch.inference_mode():
            decoded = pipeline.vae.decode(latents[None] / pipeline.vae.config.scaling_factor).sample
            if not decoded.isfinite().all():
                return FacetError("the model gave a picture that is not finite")
            decoded, flagged = pipeline.run_safety_checker(decoded, decoded.device, decoded.dtype)
        if flagged and flagged[0]:
            return Unprocessable("the safety checker held the picture back")
        [picture] = pipeline.image_processor.postprocess(decoded, output_type="np")
        pixels: Pixels = (picture * 255).round().astype(np.uint8)
        return pixels


class _Steps:
    """What happens after each step: progress, previews, and the end once all have left."""

    def __init__(self, batch: Sequence[Drawing], preview: LatentPreview) -> None:
        self._batch = batch
        self._preview = preview

    def __call__(
        self, pipeline: Any, index: int, timestep: Any, tensors: dict[str, Any]
    ) -> dict[str, Any]:
        if all(drawing.abandoned.is_set() for drawing in self._batch):
            raise _Abandoned
        steps = _steps(pipeline, self._batch[0])
        step = min(index + 1, steps)
        shown = step % max(1, steps // _PREVIEWS) == 0
        for drawing, latents in zip(self._batch, tensors["latents"], strict=True):
            preview = self._preview(latents) if drawing.previews and shown else None
            drawing.advance(step, steps, preview)
        return {}


def _strength(asked: float, steps: int) -> float:
    # The library rounds the steps down; with none it gives no picture at all.
    return max(asked, min(1.0, 1.001 / steps))


def _steps(pipeline: Any, drawing: Drawing) -> int:
    # PNDM takes one step twice.
    return min(int(pipeline.num_timesteps), drawing.sampling.steps)


def _start(drawing: Drawing) -> Image.Image:
    if drawing.start is None:
        raise ValueError("a drawing with a strength needs a picture to start from")
    size = (drawing.sampling.width, drawing.sampling.height)
    return ImageOps.fit(Image.fromarray(drawing.start), size, Image.Resampling.LANCZOS)


def load(weights: Weights, placement: Placement, *, safety_checker: bool) -> StableDiffusion:
    """Loads the model from its folder; touches no network."""
    parts = diffusion_parts.load(weights, placement, safety_checker=safety_checker)
    info = ModelInfo(weights.name, weights.version, weights.model_set, 0)
    small = weights.model_set != "full"
    side = parts.latent_side * 2 ** (len(parts.networks["vae"].config.block_out_channels) - 1)
    return StableDiffusion(parts, info, native_side=side if small else 0)
