"""The untrained CLIP, begun where small data learns fastest."""

import math

import torch
from torch.nn import functional
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from demo_training.recipe import Recipe

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""Of CLIP's pixels, as its image processor has them."""


def build(recipe: Recipe, tokenizer: CLIPTokenizer) -> CLIPModel:
    """A CLIP with the sizes of the recipe and random weights."""
    vision = {
        "hidden_size": recipe.vision_width,
        "intermediate_size": recipe.vision_width * 2,
        "num_hidden_layers": recipe.vision_layers,
        "num_attention_heads": recipe.vision_heads,
        "image_size": recipe.image_size,
        "patch_size": recipe.patch,
        "projection_dim": recipe.dimensions,
    }
    text = {
        "hidden_size": recipe.text_width,
        "intermediate_size": recipe.text_width * 2,
        "num_hidden_layers": recipe.text_layers,
        "num_attention_heads": recipe.text_heads,
        "projection_dim": recipe.dimensions,
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return CLIPModel(
        CLIPConfig(text_config=text, vision_config=vision, projection_dim=recipe.dimensions)
    )


@torch.no_grad()
def begin(model: CLIPModel, pixels: torch.Tensor, recipe: Recipe) -> None:
    """Patches are first seen by their principal components, positions as waves."""
    embeddings = model.vision_model.embeddings
    filters = _components(pixels, recipe.patch, recipe.vision_width)
    embeddings.patch_embedding.weight.copy_(filters)
    waves = _waves(recipe.grid, recipe.vision_width)
    embeddings.position_embedding.weight[1:] = waves * 0.3


def _components(pixels: torch.Tensor, patch: int, count: int) -> torch.Tensor:
    patches = functional.unfold(pixels, patch, stride=patch).transpose(1, 2).flatten(0, 1)
    patches = patches[torch.randperm(len(patches))[:8000]]
    _, sizes, directions = torch.linalg.svd(patches - patches.mean(0), full_matrices=False)
    spread = sizes[:count] / math.sqrt(len(patches))
    # Whitened, but the faint components not blown up to noise.
    kept = spread.clamp_min(float(spread[count // 3]))
    filters: torch.Tensor = directions[:count] / kept[:, None] * 0.5
    return filters.view(count, 3, patch, patch)


def _waves(grid: int, width: int) -> torch.Tensor:
    steps = torch.arange(grid, dtype=torch.float32)
    rates = 100.0 ** (-torch.arange(width // 4) / (width // 4))
    down, right = torch.meshgrid(steps, steps, indexing="ij")
    phases = [axis.flatten()[:, None] * rates for axis in (right, down)]
    return torch.cat([wave(phase) for phase in phases for wave in (torch.sin, torch.cos)], dim=1)
