from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from demo_training import vocabulary
from demo_training.batches import Batches
from demo_training.pictures import TrainingSet, render_all
from demo_training.recipe import Recipe
from demo_training.towers import Towers
from demo_training.train import train
from demo_training.vocabulary import Vocabulary
from small_world.wording import METALS, TYPES

TINY = Recipe(
    pieces=48,
    image_size=32,
    patch=8,
    dimensions=32,
    vision_width=32,
    vision_layers=1,
    vision_heads=2,
    text_width=32,
    text_layers=1,
    text_heads=2,
    batch=16,
    steps=12,
    warm_up_steps=2,
    short_steps=6,
    short_patches=8,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingSet:
    return render_all(tmp_path_factory.mktemp("data") / "pixels", TINY, processes=2)


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    return vocabulary.build([*METALS, *TYPES])


def test_rendered_pictures_do_not_depend_on_the_number_of_processes(
    data: TrainingSet, tmp_path: Path
) -> None:
    alone = render_all(tmp_path / "pixels", TINY, processes=1)
    assert np.array_equal(alone.pixels, data.pixels)
    assert np.array_equal(alone.coverage, data.coverage)
    assert alone.scenes == data.scenes


def test_coverage_tells_what_share_of_a_patch_the_piece_and_its_stones_fill(
    data: TrainingSet,
) -> None:
    piece, stones = data.coverage[:, :, 0] / 255, data.coverage[:, :, 1]
    assert piece.shape == (TINY.pieces, 2, 8, 8)
    assert 0.1 < piece.mean() < 0.6
    bare = np.array([row[0].piece.stone == "none" for row in data.scenes])
    assert (stones[bare] == 0).all()
    assert (stones[~bare].sum(axis=(2, 3)) > 0).all()


def test_the_same_recipe_gives_the_same_weights(data: TrainingSet, words: Vocabulary) -> None:
    one, other = train(data, words, TINY), train(data, words, TINY)
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_training_brings_the_views_of_a_piece_together(
    data: TrainingSet, words: Vocabulary
) -> None:
    batch = next(iter(Batches(data, TINY)))
    other_view = torch.arange(len(batch.pixels)) ^ 1
    margins = []
    for steps in (1, 80):
        model = train(data, words, replace(TINY, steps=steps, warm_up_steps=1, short_steps=0))
        with torch.no_grad():
            images, _ = Towers(model, words.tokenizer).images(batch.pixels)
        cosines = images @ images.T
        margins.append(float(cosines.gather(1, other_view[:, None]).mean() - cosines.mean()))
    assert margins[1] > margins[0] + 0.1
