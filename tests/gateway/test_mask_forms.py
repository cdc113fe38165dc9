import json

import numpy as np
import numpy.typing as npt
import pytest

from gateway.vision.mask_forms import mask_array, nested_json, reduced_size
from tests.gateway.fake_segmentation import Array, box_mask, run_lengths

Size = tuple[int, int]


def covered(mask: Array, reduced: Size) -> npt.NDArray[np.int64]:
    """How many of height × width equal parts of each reduced pixel are set."""
    (height, width), (rows, columns) = mask.shape, reduced
    fine = np.kron(mask.astype(np.int64), np.ones(reduced, np.int64))
    parts: npt.NDArray[np.int64] = fine.reshape(rows, height, columns, width).sum(axis=(1, 3))
    return parts


@pytest.mark.parametrize(
    ("size", "reduced"),
    [
        ((100, 256), (100, 256)),
        ((257, 256), (256, 255)),
        ((4000, 6000), (171, 256)),
        ((6000, 4000), (256, 171)),
        ((1, 9000), (1, 256)),
        ((1, 1), (1, 1)),
    ],
)
def test_the_longer_side_is_bounded_and_proportions_stay(size: Size, reduced: Size) -> None:
    assert reduced_size(size, 256) == reduced


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (13, 29)])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_run_lengths_become_the_mask_that_they_were_made_of(size: Size, share: float) -> None:
    mask = np.random.default_rng(5).random(size) < share
    np.testing.assert_array_equal(mask_array(run_lengths(mask), size, size), mask)


@pytest.mark.parametrize("seed", range(40))
def test_a_pixel_is_set_where_half_of_it_is_covered(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(1, 30, 2))
    reduced = int(rng.integers(1, height + 1)), int(rng.integers(1, width + 1))
    mask = rng.random((height, width)) < rng.choice([0.5, 0.6, 0.9])
    mask[:, : width // 3] = seed % 2
    parts = covered(mask, reduced)
    expected = 2 * parts >= height * width
    if not expected.any():
        expected = (parts == parts.max()) & (parts > 0)
    found = mask_array(run_lengths(mask), (height, width), reduced)
    np.testing.assert_array_equal(found, expected)


def test_a_speck_stays_where_it_is() -> None:
    size, reduced = (4000, 6000), (171, 256)
    before = 4567 * 4000 + 1234
    found = mask_array([before, 1, 4000 * 6000 - before - 1], size, reduced)
    assert np.argwhere(found).tolist() == [[1234 * 171 // 4000, 4567 * 256 // 6000]]


def test_an_empty_mask_stays_empty() -> None:
    assert not mask_array([4000 * 6000], (4000, 6000), (171, 256)).any()


def test_a_large_mask_keeps_its_share() -> None:
    mask = box_mask((100, 300, 2900, 1500), 3000, 2000)
    found = mask_array(run_lengths(mask), (2000, 3000), (171, 256))
    assert abs(found.mean() - mask.mean()) < 0.01


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1), (7, 9)])
def test_nested_lists_are_rows_of_0_and_1(size: Size) -> None:
    mask = np.random.default_rng(3).random(size) < 0.5
    assert json.loads(nested_json(mask)) == mask.astype(int).tolist()
