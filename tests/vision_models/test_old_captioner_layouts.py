"""Folders as older versions of the library wrote them, and as the hub still has them."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.contracts.captioners import load_from, loaded, picture
from vision_models import demo, random_models
from vision_models.domain import Captioner

OLD_IMAGE_PROCESSORS = {
    "blip": "BlipImageProcessor",
    "blip2": "BlipImageProcessor",
    "gemma": "Gemma3ImageProcessor",
    "intern_vlm": "GotOcr2ImageProcessorFast",
}


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "captioners"


def old_weights(folder: Path, kind: str) -> None:
    """One pytorch_model.bin, with the names and the counters that it once had."""
    file = folder / "model.safetensors"
    tensors = load_file(file)
    if kind == "gemma":
        tower = "vision_tower."
        tensors = {key.replace(tower, f"{tower}vision_model."): tensors[key] for key in tensors}
    if kind == "blip":
        tensors["text_decoder.bert.embeddings.position_ids"] = torch.arange(512)[None]
    torch.save(tensors, folder / "pytorch_model.bin")
    file.unlink()


def old_processor(folder: Path, kind: str) -> None:
    """One file per part, the chat template within JSON, the image processor's former name."""
    preprocessor = folder / "preprocessor_config.json"
    settings = json.loads(preprocessor.read_text())
    settings["image_processor_type"] = OLD_IMAGE_PROCESSORS[kind]
    settings |= json.loads((folder / "processor_config.json").read_text())
    preprocessor.write_text(json.dumps(settings))
    template = folder / "chat_template.jinja"
    if template.is_file():
        written = json.dumps({"chat_template": template.read_text()})
        (folder / "chat_template.json").write_text(written)
        template.unlink()
    else:
        (folder / "processor_config.json").unlink()


def old_tokenizer(folder: Path, kind: str) -> None:
    """The vocabulary in the files of the tokenizers in Python."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text())["model"]
    if kind == "blip":
        words = sorted(tokenizer["vocab"], key=tokenizer["vocab"].__getitem__)
        (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in words))
    elif kind == "blip2":
        (folder / "vocab.json").write_text(json.dumps(tokenizer["vocab"]))
        merges = "".join(f"{first} {second}\n" for first, second in tokenizer["merges"])
        (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}")
    else:
        return
    (folder / "tokenizer.json").unlink()


def captions(captioner: Captioner) -> list[str]:
    batch = [captioner.prepare([picture(seed)], "a photo of") for seed in range(4)]
    return captioner.caption(batch)


@pytest.mark.parametrize("kind", OLD_IMAGE_PROCESSORS)
def test_an_old_folder_holds_the_same_model(models_dir: Path, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / kind
    shutil.copytree(random_models.ensure(models_dir, demo.RECIPES[kind]), folder)
    old_weights(folder, kind)
    old_processor(folder, kind)
    old_tokenizer(folder, kind)
    assert captions(load_from(folder, kind)) == captions(loaded(models_dir, kind))
