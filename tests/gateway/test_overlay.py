import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from facetkit.errors import Unprocessable
from gateway.vision.overlay import drawn_over, png, reduced_picture
from tests.gateway.fake_segmentation import box_mask
from tests.pictures import jpeg

GREY = (128, 128, 128)
ORIENTATION = 0x0112


def drawn(*boxes: tuple[int, int, int, int]) -> npt.NDArray[np.uint8]:
    picture = Image.new("RGB", (60, 40), GREY)
    masks = [box_mask(box, 60, 40) for box in boxes]
    return np.asarray(drawn_over(picture, masks))


def encoded(picture: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def test_without_masks_the_picture_is_as_it_was() -> None:
    assert (drawn() == GREY).all()


def test_a_mask_is_tinted_and_outlined_and_nothing_else_is_touched() -> None:
    pixels = drawn((10, 5, 30, 25))
    inside, edge = pixels[6:24, 11:29], pixels[5, 10:30]
    outside = ~box_mask((10, 5, 30, 25), 60, 40)
    assert (pixels[outside] == GREY).all()
    assert (inside == inside[0, 0]).all()
    assert (edge == edge[0]).all()
    contrast = [np.abs(part.astype(int) - GREY).sum() for part in (inside[0, 0], edge[0])]
    assert 0 < contrast[0] < contrast[1]


def test_masks_have_colours_of_their_own() -> None:
    boxes = [(column, row, column + 6, row + 6) for column in range(0, 60, 6) for row in (0, 10)]
    pixels = drawn(*boxes)
    edges = np.array([pixels[top, left] for left, top, _, _ in boxes], int)
    apart = np.abs(edges[:, np.newaxis] - edges).sum(axis=2)
    np.fill_diagonal(apart, 999)
    assert apart.min() > 30


def test_later_masks_lie_over_earlier_ones() -> None:
    pixels = drawn((0, 0, 60, 40), (20, 10, 30, 20))
    first, second = pixels[5, 5], pixels[15, 25]
    assert (first != GREY).any()
    assert (second != first).any()
    assert (pixels[10, 20:30] == pixels[10, 20]).all()
    assert (pixels[10, 20] != first).any()
    hidden = drawn((20, 10, 30, 20), (0, 0, 60, 40))
    assert (hidden[1:-1, 1:-1] == hidden[5, 5]).all()


def test_the_given_picture_is_left_alone() -> None:
    picture = Image.new("RGB", (8, 8), GREY)
    drawn_over(picture, [box_mask((0, 0, 8, 8), 8, 8)])
    assert picture.getpixel((4, 4)) == GREY


def test_png_keeps_every_pixel() -> None:
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (9, 7, 3), np.uint8))
    with Image.open(io.BytesIO(png(picture))) as read:
        assert read.format == "PNG"
        assert list(read.get_flattened_data()) == list(picture.get_flattened_data())


@pytest.mark.parametrize(
    ("size", "reduced"),
    [((320, 240), (320, 240)), ((3000, 2000), (1024, 683)), ((40, 5000), (8, 1024))],
)
def test_pictures_are_reduced_to_1024_on_the_longer_side(
    size: tuple[int, int], reduced: tuple[int, int]
) -> None:
    assert reduced_picture(encoded(Image.new("RGB", size, GREY))).size == reduced


def test_pictures_are_turned_upright() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    picture = encoded(Image.new("RGB", (2400, 1200), GREY), exif=exif)
    assert reduced_picture(picture).size == (512, 1024)


def test_a_damaged_picture_is_refused() -> None:
    with pytest.raises(Unprocessable):
        reduced_picture(jpeg(1)[:200])
