"""How the real architectures look at pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.contracts.captioners import loaded, picture
from vision_models.models import CAPTIONERS


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "captioners"


@pytest.mark.parametrize("kind", CAPTIONERS)
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (3, 40), (40, 3), (3, 3)])
def test_a_tiny_picture_keeps_its_colours(
    models_dir: Path, kind: str, height: int, width: int
) -> None:
    captioner = loaded(models_dir, kind)
    seen = [
        captioner.prepare([np.full((*size, 3), (200, 90, 10), np.uint8)], "").inputs
        for size in ((height, width), (50, 50))
    ]
    tiny, usual = (inputs["pixel_values"][0] for inputs in seen)
    assert torch.allclose(tiny, usual, atol=1e-4)


def test_internvl_cuts_a_picture_into_tiles_by_its_proportions(models_dir: Path) -> None:
    captioner = loaded(models_dir, "intern_vlm")
    square, wide = (captioner.prepare([picture(0, *size)], "") for size in ((60, 60), (400, 100)))
    assert square.shape != wide.shape
    assert len(square.inputs["pixel_values"]) == 1
    # Four side by side, and all of it once more.
    assert len(wide.inputs["pixel_values"]) == 5


def test_several_pictures_share_internvls_tiles(models_dir: Path) -> None:
    captioner = loaded(models_dir, "intern_vlm")
    for count in (1, 2, 5, 16):
        prepared = captioner.prepare([picture(0, 400, 300)] * count, "")
        # A picture of several tiles has one more of all of it.
        assert len(prepared.inputs["pixel_values"]) <= max(12, count) + count


@pytest.mark.parametrize(
    ("kind", "min_side"), [("blip", 64), ("blip2", 56), ("gemma", 56), ("intern_vlm", 3 * 56)]
)
def test_as_many_pixels_are_kept_as_the_model_sees(
    models_dir: Path, kind: str, min_side: int
) -> None:
    assert loaded(models_dir, kind).min_side == min_side
