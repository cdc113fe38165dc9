"""What the shipped CLIP knows, through the production loaders, on a small held-out sample."""

from pathlib import Path

import pytest

import facet_demo_models
from demo_training import evaluation
from demo_training.evaluation import Figure
from small_world import sampling
from vision_models import demo
from vision_models.models import clip, clip_zero_shot, device

ALL_MODELS_BYTES = 40 * 10**6
ONE_FILE_BYTES = 15 * 10**6


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> list[Figure]:
    folder = tmp_path_factory.mktemp("models")
    place = device.place("cpu", "fp32")
    embedder = clip.load(demo.weights_for("embedding", folder), place)
    zero_shot = clip_zero_shot.load(demo.weights_for("zero-shot", folder), place)
    return evaluation.evaluate(embedder, zero_shot, count=1, size=80)


def test_what_was_held_out_is_found_by_words_and_by_another_view(figures: list[Figure]) -> None:
    by_words, by_view = figures[:2]
    assert "text" in by_words.name
    assert by_words.value >= 0.8
    assert by_view.value >= 0.85


def test_metals_stones_and_types_are_told_apart(figures: list[Figure]) -> None:
    assert [figure.name for figure in figures[2:]] == [
        "zero-shot metal",
        "zero-shot stone",
        "zero-shot type",
    ]
    assert min(figure.value for figure in figures[2:]) >= 0.9


def test_the_galleries_show_held_out_combinations_only() -> None:
    for gallery in evaluation.galleries(count=2, size=120):
        assert len(gallery) == 120
        for piece in gallery:
            assert sampling.is_held_out((piece.type, piece.metal, piece.stone))


def test_the_shipped_files_stay_small() -> None:
    folder = Path(facet_demo_models.__file__).parent
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    assert sum(sizes) <= ALL_MODELS_BYTES
    assert max(sizes) <= ONE_FILE_BYTES
