"""What the real architectures do beyond the contract, on random weights."""

import dataclasses
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from facetkit.errors import InvalidInput
from tests.contracts.captioners import load, loaded, picture
from vision_models.models import CAPTIONERS

KINDS = list(CAPTIONERS)


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "captioners"


class SetAtThirdLook(threading.Event):
    """Set by the time that it is looked at for the third time."""

    looks = 0

    def is_set(self) -> bool:
        self.looks += 1
        return self.looks >= 3


def modules() -> dict[int, "weakref.ref[torch.nn.Module]"]:
    """Every torch module that is alive."""
    alive = (found for found in gc.get_objects() if issubclass(type(found), torch.nn.Module))
    return {id(module): weakref.ref(module) for module in alive}


@pytest.mark.parametrize("kind", KINDS)
def test_unload_frees_the_weights_though_the_captioner_is_held(models_dir: Path, kind: str) -> None:
    before = modules()
    captioner = load(models_dir, kind)
    captioner.warm_up()
    own = [module for number, module in modules().items() if number not in before]
    assert own
    captioner.unload()
    assert [module() for module in own if module() is not None] == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_token_is_computed_once_nobody_waits(models_dir: Path, kind: str) -> None:
    captioner = loaded(models_dir, kind)
    event = SetAtThirdLook()
    prepared = dataclasses.replace(captioner.prepare([picture(1)], ""), abandoned=event)
    [caption] = captioner.caption([prepared])
    # One look before the first token, and one after each.
    assert len(caption.split()) == 2
    assert event.looks == 3


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_may_be_prepared_in_several_threads(models_dir: Path, kind: str) -> None:
    captioner = loaded(models_dir, kind)
    prompts = ["", "a photo of", "the dog near the red house"] * 8

    def prepare(prompt: str) -> object:
        return captioner.prepare([picture(1)], prompt).shape

    with ThreadPoolExecutor(8) as threads:
        shapes = list(threads.map(prepare, prompts))
    assert shapes == [prepare(prompt) for prompt in prompts]


def test_blip_says_the_prefix_and_goes_on(models_dir: Path) -> None:
    captioner = loaded(models_dir, "blip")
    [caption] = captioner.caption([captioner.prepare([picture(1)], "A photo of")])
    assert caption.startswith("a photo of ")
    assert len(caption.split()) > 4


@pytest.mark.parametrize("prompt", ["", "a photo of"])
def test_opt_reads_the_pictures_tokens_and_the_one_that_starts_its_texts(
    models_dir: Path, prompt: str
) -> None:
    prepared = loaded(models_dir, "blip2").prepare([picture(0)], prompt)
    [tokens] = prepared.inputs["input_ids"].tolist()
    start = 2
    assert len(set(tokens[:4])) == 1
    assert tokens[4] == start
    assert start not in tokens[:4] + tokens[5:]


@pytest.mark.parametrize("kind", KINDS)
def test_spaces_round_a_prompt_change_nothing(models_dir: Path, kind: str) -> None:
    captioner = loaded(models_dir, kind)
    batch = [captioner.prepare([picture(1)], prompt) for prompt in ("", " \n ")]
    assert len(set(captioner.caption(batch))) == 1


@pytest.mark.parametrize("kind", ["blip2", "gemma", "intern_vlm"])
def test_others_leave_the_prompt_out(models_dir: Path, kind: str) -> None:
    captioner = loaded(models_dir, kind)
    [caption] = captioner.caption([captioner.prepare([picture(1)], "describe this photo zebra")])
    assert "describe" not in caption
    assert "zebra" not in caption


@pytest.mark.parametrize(
    ("kind", "token"),
    [
        ("blip", "[SEP]"),
        ("blip2", "<image>"),
        ("gemma", "<image_soft_token>"),
        ("gemma", "<end_of_turn>"),
        ("intern_vlm", "<IMG_CONTEXT>"),
        ("intern_vlm", "<|im_end|>"),
    ],
)
def test_a_prompt_with_control_tokens_is_refused(models_dir: Path, kind: str, token: str) -> None:
    captioner = loaded(models_dir, kind)
    with pytest.raises(InvalidInput, match="reserved by the model") as raised:
        captioner.prepare([picture(0)], f"a ring {token} on a hand")
    assert token in raised.value.fields["caption_prompt"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_of_words_that_the_model_does_not_know_is_read(
    models_dir: Path, kind: str
) -> None:
    captioner = loaded(models_dir, kind)
    prepared = captioner.prepare([picture(0)], "Ein Foto – 写真 🙂 \x00 \ufffd\n of")
    assert captioner.caption([prepared])[0]


def test_blips_prefix_and_caption_fill_its_positions_and_no_more(models_dir: Path) -> None:
    captioner = loaded(models_dir, "blip")
    longest = 512 - 8
    [caption] = captioner.caption([captioner.prepare([picture(0)], "ring " * longest)])
    assert len(caption.split()) > longest
    with pytest.raises(InvalidInput, match=f"at most {longest}"):
        captioner.prepare([picture(0)], "ring " * (longest + 1))
