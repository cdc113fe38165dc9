"""Pixels → the normalised tensor that a vision tower takes."""

from collections.abc import Sequence

import numpy as np
import torch

from vision_models.domain import Pixels


class Normaliser:
    """Scales to 0–1, subtracts `mean` and divides by `std`, per channel."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        self._scale = torch.tensor([1 / (255 * s) for s in std]).view(1, 3, 1, 1)
        self._shift = torch.tensor([m / s for m, s in zip(mean, std, strict=True)]).view(1, 3, 1, 1)

    def __call__(self, images: Sequence[Pixels]) -> torch.Tensor:
        """n images of height × width × 3 as n × 3 × height × width, float32."""
        stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
        return stacked.to(torch.float32).mul_(self._scale).sub_(self._shift)
