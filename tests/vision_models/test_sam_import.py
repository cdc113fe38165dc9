"""segment_anything without torchvision, with a broken one, and with one that works."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from vision_models.models.sam_import import batched_nms, box_area, import_segment_anything, nms

BROKEN = "raise RuntimeError('operator torchvision::nms does not exist')"
SCRIPT = """
import sys
from vision_models.models.sam_import import import_segment_anything
generator = import_segment_anything().automatic_mask_generator
print(generator.batched_nms.__module__, "torchvision" in sys.modules)
"""


def boxes(seed: int, count: int) -> torch.Tensor:
    random = np.random.default_rng(seed)
    corners = random.integers(0, 30, (count, 2))
    return torch.tensor(np.hstack([corners, corners + random.integers(1, 20, (count, 2))])).float()


def iou(one: torch.Tensor, other: torch.Tensor) -> float:
    """Counted pixel by pixel."""
    grids = []
    for left, top, right, bottom in (one.int().tolist(), other.int().tolist()):
        grid = np.zeros((60, 60), bool)
        grid[top:bottom, left:right] = True
        grids.append(grid)
    return float((grids[0] & grids[1]).sum() / (grids[0] | grids[1]).sum())


def naive(some: torch.Tensor, scores: torch.Tensor, threshold: float) -> list[int]:
    kept: list[int] = []
    for index in sorted(range(len(scores)), key=lambda i: -float(scores[i])):
        if all(iou(some[index], some[other]) <= threshold for other in kept):
            kept.append(index)
    return kept


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7, 1.0])
def test_nms_equals_the_naive_one(seed: int, threshold: float) -> None:
    some = boxes(seed, 25)
    # Steps of a fifth: equal scores keep their order.
    scores = torch.tensor(np.random.default_rng(seed).integers(0, 5, 25) / 5)
    assert nms(some, scores, threshold).tolist() == naive(some, scores, threshold)


@pytest.mark.parametrize("seed", range(10))
def test_classes_are_judged_apart(seed: int) -> None:
    some = boxes(seed, 30) - 15
    random = np.random.default_rng(seed)
    scores, classes = torch.tensor(random.random(30)), torch.tensor(random.integers(0, 3, 30))
    kept = batched_nms(some, scores, classes, 0.3).tolist()
    expected = []
    for number in range(3):
        [members] = np.nonzero(classes.numpy() == number)
        expected += [int(members[i]) for i in nms(some[members], scores[members], 0.3)]
    assert sorted(kept) == sorted(expected)
    assert [float(scores[i]) for i in kept] == sorted(scores[kept].tolist(), reverse=True)


def test_of_no_boxes_none_is_kept() -> None:
    kept = batched_nms(torch.empty(0, 4), torch.empty(0), torch.empty(0), 0.7)
    assert kept.shape == (0,)
    assert kept.dtype == torch.int64


def test_box_areas() -> None:
    assert box_area(torch.tensor([[0, 0, 2, 3], [1, 1, 2, 2]])).tolist() == [6, 1]


def test_what_stood_in_for_torchvision_is_gone_again() -> None:
    before = importlib.util.find_spec("torchvision")
    assert import_segment_anything() is import_segment_anything()
    assert importlib.util.find_spec("torchvision") == before


@pytest.mark.parametrize(
    ("content", "said"),
    [(BROKEN, "vision_models.models.sam_import False"), ("", "torchvision.ops.boxes True")],
    ids=["broken", "working"],
)
def test_an_installed_torchvision_is_used_if_it_works(
    tmp_path: Path, content: str, said: str
) -> None:
    files = {
        "__init__.py": content,
        "ops/__init__.py": "",
        "ops/boxes.py": "def batched_nms(): ...\ndef box_area(): ...",
        "transforms/__init__.py": "",
        "transforms/functional.py": "def resize(): ...\ndef to_pil_image(): ...",
    }
    for name, text in files.items():
        file = tmp_path / "torchvision" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    command = [sys.executable, "-c", SCRIPT]
    environment = {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == said
