"""A Stable Diffusion of middle size with random weights, in the layout of the hub's.

A step costs half a second or so of one core: as in the real one the networks take nearly all of
it, and it ends within minutes.
"""

from pathlib import Path

from vision_models.models.weights import MANIFEST
from vision_models.random_painter import PainterSizes, write

NAME = "stable-diffusion-middle-sized"
LATENT_SIDE = 32
SIDE = 8 * LATENT_SIDE
"""Pixels of a picture's side."""

_SIZES = PainterSizes(
    latent_side=LATENT_SIDE,
    context=256,
    text_layers=4,
    channels=(128, 256, 256),
    attention=(True, True, False),
    decoder_channels=(16, 16, 32, 32),
)


def ensure(folder: Path) -> Path:
    """The folder of the model, made where it is missing (25 M parameters, 100 MB)."""
    model = folder / NAME
    if not (model / MANIFEST).is_file():
        write(model, _SIZES)
    return model
