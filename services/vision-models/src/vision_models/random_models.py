"""Random models of the real architectures in the real on-disk layouts, made in seconds.

Right in form and empty of sense: they let the production loaders run where no weights are.
"""

import fcntl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from tokenizers import pre_tokenizers
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from facetkit import registry
from vision_models.clip_layout import Clip, write
from vision_models.models.weights import MANIFEST

RECIPE = "2"
"""Raised when what is made changes, so that older folders are made anew."""

IMAGE_SIZE = 224
_BOS, _EOS = "<|startoftext|>", "<|endoftext|>"


class Recipe(Protocol):
    """What a random model is called, and how it is made."""

    @property
    def name(self) -> str:
        """The model's name, and its folder's."""

    def make(self, folder: Path) -> None:
        """Writes the model, whole or not at all; equal on every machine."""


@dataclass(frozen=True, slots=True)
class WrittenRecipe:
    """A model's name, and the function that writes it into a folder as "module:function"."""

    name: str
    writer: str

    def make(self, folder: Path) -> None:
        """Writes the model."""
        # Imported here: whoever only knows the recipe needs none of its libraries.
        registry.load({self.name: self.writer}, self.name)(folder)


@dataclass(frozen=True, slots=True)
class ClipRecipe:
    """What sets one CLIP apart: patch side in pixels, vector length, layout, widths."""

    name: str
    patch: int
    dimensions: int
    sentence_transformers: bool
    hidden: int = 32
    mlp: int = 64
    layers: int = 2
    heads: int = 4
    text_hidden: int = 32

    def make(self, folder: Path) -> None:
        """Writes the CLIP."""
        make_clip(folder, self)


def ensure(models_dir: Path, recipe: Recipe) -> Path:
    """The folder of the model, made if missing; safe when several processes do it at once."""
    models_dir.mkdir(parents=True, exist_ok=True)
    folder = models_dir / f"random-{RECIPE}" / recipe.name
    with (models_dir / "random.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / MANIFEST).is_file():
            recipe.make(folder)
    return folder


def make_clip(folder: Path, recipe: ClipRecipe) -> None:
    """Writes one CLIP with random weights, whole or not at all; equal on every machine."""
    tokenizer = byte_tokenizer()
    torch.manual_seed(0)
    model = CLIPModel(_config(recipe, tokenizer))
    clip = Clip(model, tokenizer, merges=(), image_size=IMAGE_SIZE)
    write(folder, clip, sentence_transformers=recipe.sentence_transformers)


def _config(recipe: ClipRecipe, tokenizer: CLIPTokenizer) -> CLIPConfig:
    # The default spread gives nearly equal vectors for all images; factor 3 tells them apart.
    spread: dict[str, Any] = {"initializer_factor": 3.0}
    shape = {"num_hidden_layers": recipe.layers, "projection_dim": recipe.dimensions, **spread}
    text = {
        "hidden_size": recipe.text_hidden,
        "intermediate_size": recipe.text_hidden * 2,
        "num_attention_heads": 4,
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {
        "hidden_size": recipe.hidden,
        "intermediate_size": recipe.mlp,
        "num_attention_heads": recipe.heads,
        "image_size": IMAGE_SIZE,
        "patch_size": recipe.patch,
    }
    return CLIPConfig(
        text_config=shape | text,
        vision_config=shape | vision,
        projection_dim=recipe.dimensions,
        **spread,
    )


def byte_tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer with letters alone."""
    # No trainer: trained vocabularies differ from process to process.
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*alphabet, *(letter + "</w>" for letter in alphabet), _BOS, _EOS]
    vocab = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocab, merges=[], model_max_length=77)
