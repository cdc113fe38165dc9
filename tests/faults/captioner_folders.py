"""Folders of captioners as a user would name them: good, larger, and broken ones."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import transformers

from vision_models.demo import RECIPES
from vision_models.models.weights import MANIFEST, write_manifest
from vision_models.random_models import ensure

WIDTHS = {
    "blip": ("intermediate_size", 100_000),
    "blip2": ("ffn_dim", 100_000),
    "gemma": ("intermediate_size", 22_000),
    "intern_vlm": ("intermediate_size", 68_000),
}
"""What makes each decoder one of some 50 MB."""


def good(models_dir: Path, target: Path, key: str) -> Path:
    """The random captioner as the hub lays it out: without a manifest of ours."""
    shutil.copytree(ensure(models_dir, RECIPES[key]), target)
    (target / MANIFEST).unlink()
    return target


def without_weights(models_dir: Path, target: Path, key: str) -> Path:
    """All but the weights."""
    (good(models_dir, target, key) / "model.safetensors").unlink()
    return target


def with_damaged_weights(models_dir: Path, target: Path, key: str) -> Path:
    """The weights file ends early."""
    weights = good(models_dir, target, key) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    return target


def with_broken_config(models_dir: Path, target: Path, key: str) -> Path:
    """The configuration is no JSON."""
    (good(models_dir, target, key) / "config.json").write_text('{"model_type": ')
    return target


def large(models_dir: Path, target: Path, key: str) -> Path:
    """The captioner with wide inner layers of random weights."""
    folder = good(models_dir, target, key)
    config = transformers.AutoConfig.from_pretrained(folder)
    name, width = WIDTHS[key]
    setattr(config.text_config, name, width)
    architecture: Any = getattr(transformers, config.architectures[0])
    architecture(config).save_pretrained(folder)
    write_manifest(folder)
    return folder


Maker = Callable[[Path, Path, str], Path]


def variables(models_dir: Path, folder: Path, makers: Mapping[str, Maker]) -> dict[str, str]:
    """The environment in which each captioner is the folder that its maker makes."""
    # Tests print what happened, and nothing else.
    silence: Any = transformers.utils.logging.disable_progress_bar
    silence()
    made = {key: make(models_dir, folder / key, key) for key, make in makers.items()}
    named = {f"{key.upper()}_MODEL": str(path) for key, path in made.items()}
    return {"FACET_MODELS": "full"} | named


def weights_bytes(folder: Path) -> int:
    """The size of a captioner's weights."""
    return (folder / "model.safetensors").stat().st_size
