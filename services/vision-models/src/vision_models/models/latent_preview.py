"""Latents as a small picture, for the price of one matrix product."""

from typing import Any

import numpy as np
import torch

from vision_models.domain import Pixels

_SIDE = 32


class LatentPreview:
    """The linear map from latents to colours that comes closest to what the decoder draws.

    Fitted on smooth noise when the model is loaded: a decoder's own pass costs as much as steps.
    """

    def __init__(self, vae: Any) -> None:
        generator = torch.Generator().manual_seed(0)
        coarse = torch.randn(
            4, vae.config.latent_channels, _SIDE // 8, _SIDE // 8, generator=generator
        )
        latents = torch.nn.functional.interpolate(coarse, size=(_SIDE, _SIDE), mode="bilinear")
        with torch.inference_mode():
            placed = latents.to(vae.device, vae.dtype) / vae.config.scaling_factor
            decoded = torch.cat([vae.decode(one[None]).sample for one in placed]).float().cpu()
        colours = torch.nn.functional.interpolate(decoded, size=(_SIDE, _SIDE), mode="area")
        self._map = torch.linalg.lstsq(_with_one(_rows(latents)), _rows(colours)).solution

    def __call__(self, latents: torch.Tensor) -> Pixels:
        """One image's latents (channels × height × width) as height × width × 3."""
        _, height, width = latents.shape
        rows = _with_one(_rows(latents[None].float().cpu()))
        colours = ((rows @ self._map) / 2 + 0.5).nan_to_num().clamp(0, 1)
        pixels: Pixels = (colours * 255).round().to(torch.uint8).numpy()
        return np.ascontiguousarray(pixels.reshape(height, width, 3))


def _rows(images: torch.Tensor) -> torch.Tensor:
    return images.permute(0, 2, 3, 1).reshape(-1, images.shape[1])


def _with_one(rows: torch.Tensor) -> torch.Tensor:
    return torch.cat([rows, torch.ones(len(rows), 1)], dim=1)
