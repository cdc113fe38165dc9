"""Random models of the real architectures in the real on-disk layouts, made in seconds.

Right in form and empty of sense: they let the production loaders run where no weights are.
"""

import fcntl
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import pre_tokenizers
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

from vision_models.models.weights import MANIFEST, write_manifest

MODEL_SET = "demo-random"
RECIPE = "1"
"""Raised when what is made changes, so that older folders are made anew."""

_BOS, _EOS = "<|startoftext|>", "<|endoftext|>"


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


EMBEDDING = ClipRecipe("clip-ViT-B-32", 32, 512, sentence_transformers=True)
ZERO_SHOT = ClipRecipe("clip-vit-large-patch14", 14, 768, sentence_transformers=False)


def folder_of(models_dir: Path, recipe: ClipRecipe) -> Path:
    """Where the model of `recipe` lies below the models folder."""
    return models_dir / f"{MODEL_SET}-{RECIPE}" / recipe.name


def ensure(models_dir: Path) -> None:
    """Makes the models that are not there yet; safe when several processes do it at once."""
    models_dir.mkdir(parents=True, exist_ok=True)
    with (models_dir / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for recipe in (EMBEDDING, ZERO_SHOT):
            folder = folder_of(models_dir, recipe)
            if not (folder / MANIFEST).is_file():
                make_clip(folder, recipe)


def make_clip(folder: Path, recipe: ClipRecipe) -> None:
    """Writes one CLIP with random weights, whole or not at all; equal on every machine."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    tokenizer = _byte_tokenizer()
    torch.manual_seed(0)
    inner = making / "0_CLIPModel" if recipe.sentence_transformers else making
    CLIPModel(_config(recipe, tokenizer)).save_pretrained(inner)
    _save_processor(inner, tokenizer)
    if recipe.sentence_transformers:
        module = {"idx": 0, "name": "0", "path": inner.name}
        module["type"] = "sentence_transformers.models.CLIPModel"
        (making / "modules.json").write_text(json.dumps([module]), encoding="utf-8")
    write_manifest(making)
    shutil.rmtree(folder, ignore_errors=True)
    making.rename(folder)


def _save_processor(folder: Path, tokenizer: CLIPTokenizer) -> None:
    # The files of the hub's CLIPs; what save_pretrained writes today is named differently.
    CLIPImageProcessorPil().save_pretrained(folder)
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": tokenizer.model_max_length}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    vocab = json.dumps(tokenizer.get_vocab(), sort_keys=True)
    (folder / "vocab.json").write_text(vocab, encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")


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
        "image_size": 224,
        "patch_size": recipe.patch,
    }
    return CLIPConfig(
        text_config=shape | text,
        vision_config=shape | vision,
        projection_dim=recipe.dimensions,
        **spread,
    )


def _byte_tokenizer() -> CLIPTokenizer:
    # No trainer: trained vocabularies differ from process to process.
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*alphabet, *(letter + "</w>" for letter in alphabet), _BOS, _EOS]
    vocab = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocab, merges=[], model_max_length=77)
