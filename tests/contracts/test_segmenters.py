"""One contract for every segmenter: the real architecture on random weights, and the fake."""

from pathlib import Path

import numpy as np
import pytest

from tests.contracts.captioners import picture
from tests.contracts.segmenters import GRID, ask, encoded, everything, loaded, same, small
from vision_models import demo
from vision_models.segmentation_domain import Point, PointedPicture, Prompt, Segmenter

PROMPTS = {
    "point": Prompt((Point(9.5, 30),)),
    "points": Prompt((Point(9.5, 30), Point(50, 10), Point(30, 30, excluded=True))),
    "box": Prompt(box=(5, 5, 40, 40)),
    "box and point": Prompt((Point(9.5, 30),), (0, 0, 64, 48)),
    "box and excluded point": Prompt((Point(9.5, 30, excluded=True),), (5, 5, 40, 40)),
}


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "segmenters"


@pytest.fixture(params=[("fake", "fp32"), ("sam", "fp32"), ("sam", "bf16")], ids="-".join)
def segmenter(request: pytest.FixtureRequest, models_dir: Path) -> Segmenter:
    return loaded(models_dir, *request.param)


def test_masks_have_the_size_of_the_picture(segmenter: Segmenter) -> None:
    encoding = small(segmenter, 1)
    assert (encoding.width, encoding.height) == (64, 48)
    found = everything(segmenter, encoding)
    assert len(found) >= 3
    for mask in found:
        assert mask.bits.shape == (48, 64)
        assert mask.bits.dtype == bool
        assert mask.bits.any()
        assert 0 <= mask.predicted_iou <= 1
        assert 0 <= mask.stability <= 1


def test_candidates_hold_their_masks_as_run_lengths_within_their_boxes(
    segmenter: Segmenter,
) -> None:
    encoding = small(segmenter, 2)
    [candidates] = segmenter.propose([PointedPicture(encoding, GRID)])
    for candidate in candidates:
        assert candidate.runs.sum() == 48 * 64
        assert (candidate.runs[1:] > 0).all()
        left, top, right, bottom = candidate.box
        assert 0 <= left <= right <= 64
        assert 0 <= top <= bottom <= 48


def test_no_two_masks_are_the_same(segmenter: Segmenter) -> None:
    encoding = small(segmenter, 3)
    [candidates] = segmenter.propose([PointedPicture(encoding, GRID)])
    found = segmenter.distinct(encoding, [*candidates, *candidates])
    assert len({mask.bits.tobytes() for mask in found}) == len(found)
    assert same(found, segmenter.distinct(encoding, candidates))


def test_of_no_candidates_there_is_no_mask(segmenter: Segmenter) -> None:
    assert segmenter.distinct(small(segmenter, 1), []) == []


def test_points_asked_for_apart_find_the_same(segmenter: Segmenter) -> None:
    encoding = small(segmenter, 4)
    pieces = [PointedPicture(encoding, some) for some in np.split(GRID, 4)]
    apart = [each for candidates in segmenter.propose(pieces) for each in candidates]
    assert same(segmenter.distinct(encoding, apart), everything(segmenter, encoding))


def test_masks_depend_on_the_picture(segmenter: Segmenter) -> None:
    one, other = (everything(segmenter, small(segmenter, seed)) for seed in (1, 2))
    assert not same(one, other)


def test_masks_depend_on_the_point(segmenter: Segmenter) -> None:
    encoding = small(segmenter, 1)
    prompts = [Prompt((Point(x, y),)) for x, y in ((4, 4), (60, 4), (4, 44), (60, 44))]
    found = [ask(segmenter, encoding, prompt) for prompt in prompts]
    assert len({tuple(mask.bits.tobytes() for mask in masks) for masks in found}) >= 3


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_a_prompt_has_three_masks_the_likeliest_first(segmenter: Segmenter, prompt: Prompt) -> None:
    found = ask(segmenter, small(segmenter, 1), prompt)
    scores = [mask.predicted_iou for mask in found]
    assert len(found) == 3
    assert scores == sorted(scores, reverse=True)
    assert {mask.bits.shape for mask in found} == {(48, 64)}
    assert all(0 <= mask.stability <= 1 for mask in found)


def test_excluding_a_point_changes_the_answer(segmenter: Segmenter) -> None:
    encoding = small(segmenter, 1)
    without = ask(segmenter, encoding, Prompt((Point(9.5, 30), Point(50, 10))))
    excluded = Prompt((Point(9.5, 30), Point(50, 10, excluded=True)))
    assert not same(without, ask(segmenter, encoding, excluded))


def test_an_encoding_answers_alike_again_and_after_another(segmenter: Segmenter) -> None:
    encoding = small(segmenter, 5)
    before = everything(segmenter, encoding), ask(segmenter, encoding, PROMPTS["points"])
    everything(segmenter, small(segmenter, 6))
    after = everything(segmenter, encoding), ask(segmenter, encoding, PROMPTS["points"])
    assert all(map(same, before, after))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 3), (3, 1), (64, 1), (1, 64), (2, 50)])
def test_any_shape_of_picture_is_segmented(segmenter: Segmenter, width: int, height: int) -> None:
    encoding = encoded(segmenter, picture(1, width, height))
    for mask in everything(segmenter, encoding):
        assert mask.bits.shape == (height, width)
    for mask in ask(segmenter, encoding, Prompt((Point(width / 2, height / 2),))):
        assert mask.bits.shape == (height, width)


def test_segmenters_say_who_they_are_and_what_they_need(segmenter: Segmenter) -> None:
    assert segmenter.info.dimensions == 0
    assert segmenter.info.model_set in (demo.RANDOM, "fake")
    assert segmenter.image_size >= 64
    assert segmenter.points_per_batch >= 1


def test_warm_up_runs(segmenter: Segmenter) -> None:
    segmenter.warm_up()
