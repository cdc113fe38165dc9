"""What SAM answers here is what its library answers."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from facetkit.errors import NotReady
from tests.pictures import jpeg
from vision_models import demo, random_models
from vision_models.domain import Pixels
from vision_models.models import device, sam, weights
from vision_models.models.sam_checkpoint import load_network
from vision_models.models.sam_import import import_segment_anything
from vision_models.random_segmenter import FILE
from vision_models.segmentation_domain import Point, PointedPicture, Prompt, PromptedPicture
from vision_models.segmentation_service import grid

MAX_BYTES = 1_000_000


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> weights.Weights:
    torch.set_num_threads(1)
    return demo.weights_for("segmentation", tmp_path_factory.getbasetemp() / "segmenters")


@pytest.fixture(scope="session")
def segmenter(found: weights.Weights) -> sam.SamSegmenter:
    return sam.load(found, device.place("cpu", "fp32"))


@pytest.fixture(scope="session")
def network(found: weights.Weights) -> Any:
    return load_network(found)


def picture(seed: int, width: int = 256, height: int = 180) -> Pixels:
    with Image.open(io.BytesIO(jpeg(seed, width, height))) as image:
        return np.array(image)


@pytest.mark.parametrize(("width", "height"), [(256, 180), (120, 200)])
def test_all_masks_are_those_of_the_librarys_generator(
    segmenter: sam.SamSegmenter, network: Any, width: int, height: int
) -> None:
    pixels = picture(1, width, height)
    generator = import_segment_anything().SamAutomaticMaskGenerator(network, points_per_side=6)
    expected = generator.generate(pixels)
    [encoding] = segmenter.encode([pixels])
    batches = [PointedPicture(encoding, points) for points in np.split(grid(6), 4)]
    candidates = [each for found in segmenter.propose(batches) for each in found]
    masks = segmenter.distinct(encoding, candidates)
    assert len(masks) == len(expected) >= 3
    for mask, record in zip(masks, expected, strict=True):
        # Batches of other sizes round otherwise.
        assert (mask.bits != record["segmentation"]).mean() < 0.001
        assert mask.predicted_iou == pytest.approx(record["predicted_iou"], abs=1e-4)
        assert mask.stability == pytest.approx(record["stability_score"], abs=1e-2)


def test_a_prompts_masks_are_those_of_the_librarys_predictor(
    segmenter: sam.SamSegmenter, network: Any
) -> None:
    pixels = picture(2)
    predictor = import_segment_anything().SamPredictor(network)
    predictor.set_image(pixels)
    bits, ious, _ = predictor.predict(
        np.array([[40.0, 50.0], [200.0, 90.0]]), np.array([1, 0]), np.array([10.0, 20, 150, 160])
    )
    prompt = Prompt((Point(40, 50), Point(200, 90, excluded=True)), (10, 20, 150, 160))
    [encoding] = segmenter.encode([pixels])
    [masks] = segmenter.segment([PromptedPicture(encoding, prompt)])
    order = np.argsort(-ious)
    assert [mask.predicted_iou for mask in masks] == pytest.approx(np.clip(ious[order], 0, 1))
    assert all(np.array_equal(mask.bits, bits[i]) for mask, i in zip(masks, order, strict=True))


def test_half_precision_says_much_the_same(
    segmenter: sam.SamSegmenter, found: weights.Weights
) -> None:
    half = sam.load(found, device.place("cpu", "bf16"))
    prompts = [Prompt((Point(x, 90),)) for x in (30, 128, 220)]
    answers = []
    for each in (segmenter, half):
        [encoding] = each.encode([picture(3)])
        assert encoding.features.dtype == torch.float32
        [*masks] = each.segment([PromptedPicture(encoding, prompt) for prompt in prompts])
        answers.append(np.array([mask.bits for three in masks for mask in three]))
    assert (answers[0] != answers[1]).mean() < 0.05


@pytest.mark.parametrize("seed", range(1, 4))
def test_the_random_segmenter_finds_several_parts(segmenter: sam.SamSegmenter, seed: int) -> None:
    [encoding] = segmenter.encode([picture(seed, 256, 256)])
    [candidates] = segmenter.propose([PointedPicture(encoding, grid(8))])
    assert len(segmenter.distinct(encoding, candidates)) >= 8


def test_other_processes_make_the_same_bytes(found: weights.Weights, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from vision_models.random_segmenter import write\n"
        "write(Path(sys.argv[1]))"
    )
    environment = {"PYTHONHASHSEED": "7"}
    here, there = Path(found.folder), tmp_path / "sam"
    subprocess.run([sys.executable, "-c", script, str(there)], check=True, env=environment)
    assert (here / weights.MANIFEST).read_text() == (there / weights.MANIFEST).read_text()
    assert (here / FILE).stat().st_size < MAX_BYTES


def test_a_damaged_random_segmenter_is_named(tmp_path: Path) -> None:
    folder = random_models.ensure(tmp_path, demo.RECIPES["segmentation"])
    (folder / FILE).write_bytes((folder / FILE).read_bytes()[:-1])
    with pytest.raises(NotReady, match=rf"{FILE} of .* is missing or differs"):
        demo.weights_for("segmentation", tmp_path)


def test_the_demo_set_says_that_it_is_random(found: weights.Weights) -> None:
    assert (found.name, found.model_set) == ("sam-vit-l", "demo-random")
