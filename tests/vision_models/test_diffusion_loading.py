import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPImageProcessorPil

from facetkit.errors import NotReady, Unprocessable
from tests.contracts.painters import load_from, loaded, made
from vision_models.generation_domain import Drawing, Sampling
from vision_models.random_painter import write

UNET = "unet/diffusion_pytorch_model.safetensors"
SAMPLING = Sampling(64, 64, 2, 7.5, "pndm")


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "painters"


@pytest.fixture
def folder(models_dir: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    return Path(shutil.copytree(made(models_dir), tmp_path / "sd"))


class Evil:
    """Makes a file where it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.file,)


def test_a_pickle_in_place_of_weights_is_refused_and_not_run(folder: Path, tmp_path: Path) -> None:
    harm = tmp_path / "harm"
    for name in ("diffusion_pytorch_model.bin", "diffusion_pytorch_model.safetensors"):
        (folder / UNET).unlink(missing_ok=True)
        (folder / "unet" / name).write_bytes(pickle.dumps({"conv_in.weight": Evil(harm)}))
        with pytest.raises(NotReady, match=r"unet of sd (holds no safetensors|is damaged)"):
            load_from(folder)
    assert not harm.exists()


def test_a_part_without_a_key_is_refused_and_the_key_named(folder: Path) -> None:
    tensors = load_file(folder / UNET)
    del tensors["conv_in.weight"]
    save_file(tensors, folder / UNET)
    with pytest.raises(NotReady, match=r"unet of sd lacks conv_in\.weight"):
        load_from(folder)


def test_a_part_of_other_shapes_is_refused(folder: Path) -> None:
    tensors = load_file(folder / UNET)
    tensors["conv_in.weight"] = torch.zeros(3, 3)
    save_file(tensors, folder / UNET)
    with pytest.raises(NotReady, match="unet of sd is damaged"):
        load_from(folder)


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "tokenizer", "scheduler"])
def test_a_missing_part_is_named(folder: Path, part: str) -> None:
    shutil.rmtree(folder / part)
    with pytest.raises(NotReady, match=part):
        load_from(folder)


@pytest.mark.parametrize(
    "file",
    [UNET, "vae/config.json", "text_encoder/model.safetensors", "scheduler/scheduler_config.json"],
)
def test_a_file_that_ends_early_is_named(folder: Path, file: str) -> None:
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(NotReady, match=file.partition("/")[0]) as refused:
        load_from(folder)
    assert str(folder) not in refused.value.message


def test_the_random_model_is_equal_wherever_it_is_made(models_dir: Path, tmp_path: Path) -> None:
    write(tmp_path / "again")
    manifest = json.loads((made(models_dir) / "manifest.json").read_text())
    assert json.loads((tmp_path / "again/manifest.json").read_text()) == manifest


def test_no_attention_above_a_32nd_of_the_picture(models_dir: Path) -> None:
    config = json.loads((made(models_dir) / "unet/config.json").read_text())
    # The first block works at an eighth of the picture's side, each further one at half of that.
    for depth, block in enumerate(config["down_block_types"]):
        assert ("Attn" in block) == (8 * 2**depth >= 32)


def test_pictures_that_the_safety_checker_flags_are_held_back(folder: Path) -> None:
    small = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
    }
    config = CLIPConfig(text_config=small, vision_config=small, projection_dim=16)
    for threshold, flagged in ((-1.0, True), (2.0, False)):
        checker = StableDiffusionSafetyChecker(config)
        checker.concept_embeds_weights.data.fill_(threshold)
        checker.special_care_embeds_weights.data.fill_(2.0)
        checker.save_pretrained(folder / "safety_checker")
        CLIPImageProcessorPil().save_pretrained(folder / "feature_extractor")
        [outcome] = load_from(folder).draw([Drawing("a ring", "", 1, SAMPLING)])
        assert isinstance(outcome, Unprocessable) == flagged


def test_half_precision_draws_nearly_the_same(models_dir: Path) -> None:
    one = Drawing("a ring", "", 1, SAMPLING)
    [half] = load_from(made(models_dir), "bf16").draw([one])
    [whole] = loaded(models_dir, "stable-diffusion").draw([one])
    assert isinstance(half, np.ndarray)
    assert isinstance(whole, np.ndarray)
    assert np.abs(half.astype(int) - whole.astype(int)).mean() < 8
