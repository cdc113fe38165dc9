"""Which weights the demo set uses: those shipped for a purpose, else random ones."""

from collections.abc import Mapping
from pathlib import Path

import facet_demo_models
from vision_models import random_models
from vision_models.models.weights import Weights, from_folder
from vision_models.random_captioners.recipe import CaptionerRecipe
from vision_models.random_models import ClipRecipe, Recipe, WrittenRecipe

TRAINED, RANDOM = "demo", "demo-random"
"""What answers say of a shipped model, and of one with random weights."""

EMBEDDING = ClipRecipe("clip-ViT-B-32", 32, 512, sentence_transformers=True)
ZERO_SHOT = ClipRecipe("clip-vit-large-patch14", 14, 768, sentence_transformers=False)
_CAPTIONERS = "vision_models.random_captioners"
RECIPES: Mapping[str, Recipe] = {
    "embedding": EMBEDDING,
    "zero-shot": ZERO_SHOT,
    "generation": WrittenRecipe("stable-diffusion-v1-5", "vision_models.random_painter:write"),
    "blip": CaptionerRecipe("blip-image-captioning-base", f"{_CAPTIONERS}.blip:build"),
    "blip2": CaptionerRecipe("blip2-opt-2.7b", f"{_CAPTIONERS}.blip2:build"),
    "gemma": CaptionerRecipe("gemma-3-4b-it", f"{_CAPTIONERS}.gemma:build"),
    "intern_vlm": CaptionerRecipe("InternVL3-1B-hf", f"{_CAPTIONERS}.intern_vlm:build"),
    "segmentation": WrittenRecipe("sam-vit-l", "vision_models.random_segmenter:write"),
}
"""By purpose: what is made where no trained model is shipped."""


def weights_for(purpose: str, models_dir: Path, recipes: Mapping[str, Recipe] = RECIPES) -> Weights:
    """The weights for a purpose of `recipes`. Raises NotReady where their files are damaged."""
    trained = facet_demo_models.find(purpose)
    if trained is not None:
        return from_folder(trained.folder, TRAINED, name=trained.name)
    return from_folder(random_models.ensure(models_dir, recipes[purpose]), RANDOM)
