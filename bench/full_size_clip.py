"""A ViT-B/32 of full size with random weights: as costly as the real one, made on the machine."""

from pathlib import Path

from vision_models.models.weights import MANIFEST
from vision_models.random_models import ClipRecipe, make_clip

RECIPE = ClipRecipe(
    "clip-ViT-B-32",
    patch=32,
    dimensions=512,
    sentence_transformers=True,
    hidden=768,
    mlp=3072,
    layers=12,
    heads=12,
    text_hidden=512,
)


def ensure(folder: Path) -> Path:
    """The folder of the model, made where it is missing (150 M parameters, 600 MB)."""
    model = folder / RECIPE.name
    if not (model / MANIFEST).is_file():
        make_clip(model, RECIPE)
    return model
