"""One contract for every captioner: the real architectures on random weights, and the fakes."""

from pathlib import Path

import pytest

from facetkit.errors import InvalidInput, NotReady
from tests.contracts.captioners import ALONE, CHATS, load, loaded, picture
from vision_models import demo
from vision_models.domain import Captioner

PRECISIONS = [("gemma", "bf16")]


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "captioners"


@pytest.fixture(params=[*((kind, "fp32") for kind in ALONE + CHATS), *PRECISIONS], ids="-".join)
def captioner(request: pytest.FixtureRequest, models_dir: Path) -> Captioner:
    return loaded(models_dir, *request.param)


@pytest.fixture(params=ALONE + CHATS)
def exact(request: pytest.FixtureRequest, models_dir: Path) -> Captioner:
    """In fp32, where a batch changes nothing."""
    return loaded(models_dir, request.param, "fp32")


def say(captioner: Captioner, seed: int, prompt: str = "") -> str:
    [caption] = captioner.caption([captioner.prepare([picture(seed)], prompt)])
    return caption


def test_captions_depend_on_the_picture(captioner: Captioner) -> None:
    captions = {say(captioner, seed) for seed in range(6)}
    assert len(captions) >= 4


def test_captions_are_printable_words_on_one_line(captioner: Captioner) -> None:
    caption = say(captioner, 1, "a photo\n of")
    assert caption.isprintable()
    assert len(caption.split()) >= 4
    assert caption == " ".join(caption.split())


def test_captions_depend_on_the_prompt(captioner: Captioner) -> None:
    prompts = ("a red ring on", "the dog in", "green glass near")
    said = [say(captioner, 2, prompt).removeprefix(prompt) for prompt in prompts]
    assert len(set(said)) >= 2


def test_the_same_question_gets_the_same_answer(captioner: Captioner) -> None:
    assert say(captioner, 3, "a photo of") == say(captioner, 3, "a photo of")


def test_a_batch_equals_its_elements_alone(exact: Captioner) -> None:
    batch = [exact.prepare([picture(seed)], "a photo of") for seed in range(5)]
    assert len({element.shape for element in batch}) == 1
    assert exact.caption(batch) == [say(exact, seed, "a photo of") for seed in range(5)]


def test_prompts_of_other_lengths_are_of_other_shapes(captioner: Captioner) -> None:
    short, long = (captioner.prepare([picture(0)], text) for text in ("a", "a photo of the dog"))
    assert short.shape != long.shape
    assert hash(short.shape) != hash(long.shape)


@pytest.mark.parametrize(
    ("width", "height"), [(300, 40), (40, 300), (1, 1), (1, 3), (3, 1), (3, 3), (2, 500)]
)
def test_any_shape_of_picture_is_captioned(captioner: Captioner, width: int, height: int) -> None:
    prepared = captioner.prepare([picture(1, width, height)], "")
    assert captioner.caption([prepared])[0]


def test_the_abandoned_end_early_and_alone(exact: Captioner) -> None:
    batch = [exact.prepare([picture(seed)], "") for seed in range(3)]
    whole = exact.caption(batch)
    batch[1].abandoned.set()
    ended = exact.caption(batch)
    assert [ended[0], ended[2]] == [whole[0], whole[2]]
    assert len(ended[1].split()) < len(whole[1].split())


def test_a_batch_whose_elements_are_all_abandoned_ends_at_once(exact: Captioner) -> None:
    batch = [exact.prepare([picture(seed)], "") for seed in range(2)]
    for element in batch:
        element.abandoned.set()
    assert all(len(caption.split()) <= 1 for caption in exact.caption(batch))


def test_a_prompt_over_the_models_length_is_refused(captioner: Captioner) -> None:
    with pytest.raises(InvalidInput, match=r"at most \d+") as raised:
        captioner.prepare([picture(0)], "ring " * 2000)
    assert list(raised.value.fields) == ["caption_prompt"]


def test_captioners_say_who_they_are_and_what_they_need(captioner: Captioner) -> None:
    assert captioner.info.dimensions == 0
    assert captioner.info.model_set in (demo.RANDOM, "fake")
    assert captioner.min_side >= 1


def test_warm_up_runs(models_dir: Path) -> None:
    for kind in ALONE + CHATS:
        load(models_dir, kind).warm_up()


@pytest.mark.parametrize("kind", ALONE + CHATS)
def test_after_unload_everything_raises_not_ready(models_dir: Path, kind: str) -> None:
    captioner = load(models_dir, kind)
    prepared = captioner.prepare([picture(0)], "")
    captioner.unload()
    with pytest.raises(NotReady):
        captioner.prepare([picture(0)], "")
    with pytest.raises(NotReady):
        captioner.caption([prepared])
    with pytest.raises(NotReady):
        captioner.warm_up()
    captioner.unload()
