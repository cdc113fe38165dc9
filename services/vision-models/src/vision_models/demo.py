"""Which weights the demo set uses: those shipped for a purpose, else random ones."""

from collections.abc import Mapping
from pathlib import Path

import facet_demo_models
from vision_models import random_models
from vision_models.models.weights import Weights, from_folder
from vision_models.random_models import ClipRecipe

TRAINED, RANDOM = "demo", "demo-random"
"""What answers say of a shipped model, and of one with random weights."""

EMBEDDING = ClipRecipe("clip-ViT-B-32", 32, 512, sentence_transformers=True)
ZERO_SHOT = ClipRecipe("clip-vit-large-patch14", 14, 768, sentence_transformers=False)
RECIPES = {"embedding": EMBEDDING, "zero-shot": ZERO_SHOT}
"""By purpose: what is made where no trained model is shipped."""


def weights_for(
    purpose: str, models_dir: Path, recipes: Mapping[str, ClipRecipe] = RECIPES
) -> Weights:
    """The weights for a purpose of `recipes`. Raises NotReady where their files are damaged."""
    trained = facet_demo_models.find(purpose)
    if trained is not None:
        return from_folder(trained.folder, TRAINED, name=trained.name)
    return from_folder(random_models.ensure(models_dir, recipes[purpose]), RANDOM)
