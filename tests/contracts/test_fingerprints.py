"""One contract for every fingerprinter: the real one and the fake; then what Pillow's must do."""

import asyncio
import hashlib
import os
import struct
import sys
import threading
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facetkit.errors import InvalidInput, TooLarge, Unprocessable, UnsupportedMedia
from facetkit.images import ImageLimits
from search.adapters.fingerprints import PillowFingerprinter
from search.domain import Fingerprint, Fingerprinter, Tier
from search.duplicates import tier_of
from tests import pictures
from tests.search.fake_fingerprinter import FakeFingerprinter

LIMITS = ImageLimits()
ORIENTATION, DESCRIPTION = 0x0112, 0x010E
LOSSLESS: dict[str, dict[str, Any]] = {"PNG": {}, "WEBP": {"lossless": True}}
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""By EXIF orientation how an upright picture is stored."""


@pytest.fixture(params=["pillow", "fake"])
def fingerprinter(request: pytest.FixtureRequest) -> Fingerprinter:
    return pillow() if request.param == "pillow" else FakeFingerprinter()


def pillow(limits: ImageLimits = LIMITS) -> PillowFingerprinter:
    return PillowFingerprinter(limits, workers=2)


def picture(width: int = 60, height: int = 40, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def tagged(tag: int, value: int | str) -> Image.Exif:
    exif = Image.Exif()
    exif[tag] = value
    return exif


def oriented(image: Image.Image, orientation: int, form: str, **options: Any) -> bytes:
    stored = STORED[orientation]
    turned = image if stored is None else image.transpose(stored)
    return encoded(turned, form, exif=tagged(ORIENTATION, orientation), **options)


async def test_equal_content_has_equal_fingerprints(fingerprinter: Fingerprinter) -> None:
    content = pictures.jpeg(1)
    assert await fingerprinter.fingerprint(content) == await fingerprinter.fingerprint(content)


async def test_different_pictures_have_different_fingerprints(fingerprinter: Fingerprinter) -> None:
    one, other = [await fingerprinter.fingerprint(pictures.jpeg(seed)) for seed in (1, 2)]
    assert one.pixels != other.pixels
    assert one.perceptual != other.perceptual
    assert tier_of(one, other, cosine=1.0) is None


async def test_the_fields_have_one_form(fingerprinter: Fingerprinter) -> None:
    contents = [pictures.png(1, *size) for size in ((9, 70), (64, 4))]
    prints = [await fingerprinter.fingerprint(each) for each in contents]
    assert all(len(each.pixels) == 64 and int(each.pixels, 16) for each in prints)
    assert len({len(each.perceptual) for each in prints}) == 1


async def test_many_at_once_are_as_one_by_one(fingerprinter: Fingerprinter) -> None:
    contents = [pictures.jpeg(seed) for seed in range(6)]
    together = await asyncio.gather(*(fingerprinter.fingerprint(each) for each in contents))
    assert list(together) == [await fingerprinter.fingerprint(each) for each in contents]


async def test_no_content_is_invalid(fingerprinter: Fingerprinter) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        await fingerprinter.fingerprint(b"")


async def test_what_is_no_image_is_unsupported(fingerprinter: Fingerprinter) -> None:
    with pytest.raises(UnsupportedMedia):
        await fingerprinter.fingerprint(b"bad: not an image")


@pytest.mark.parametrize("form", LOSSLESS)
@pytest.mark.parametrize("orientation", STORED)
async def test_pixels_are_those_of_the_upright_picture(form: str, orientation: int) -> None:
    upright = picture()
    content = oriented(upright, orientation, form, **LOSSLESS[form])
    got = await pillow().fingerprint(content)
    assert got.pixels == hashed(upright)
    assert got == await pillow().fingerprint(encoded(upright))


@pytest.mark.parametrize("orientation", STORED)
async def test_a_turned_jpeg_is_the_same_picture(orientation: int) -> None:
    upright = Image.open(BytesIO(pictures.png(1, 300, 200))).convert("RGB")
    content = oriented(upright, orientation, "JPEG", quality=90)
    one, other = [await pillow().fingerprint(each) for each in (content, encoded(upright))]
    assert one.pixels != other.pixels
    assert tier_of(one, other, cosine=0.99) is Tier.PICTURE


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
async def test_large_pictures_are_hashed_at_full_size(form: str) -> None:
    content = encoded(picture(1100, 900), form, quality=80)
    decoded = Image.open(BytesIO(content)).convert("RGB")
    assert decoded.size == (1100, 900)
    assert (await pillow().fingerprint(content)).pixels == hashed(decoded)


async def test_metadata_do_not_count() -> None:
    image = picture()
    contents = [encoded(image, "JPEG", exif=tagged(DESCRIPTION, text)) for text in ("a", "b")]
    one, other = [await pillow().fingerprint(each) for each in contents]
    assert contents[0] != contents[1]
    assert one == other


async def test_a_single_bit_of_a_pixel_counts() -> None:
    image = picture()
    red, green, blue = np.asarray(image)[39, 59]
    changed = image.copy()
    changed.putpixel((59, 39), (int(red), int(green), int(blue) ^ 1))
    one, other = [await pillow().fingerprint(encoded(each)) for each in (image, changed)]
    assert one.pixels != other.pixels


async def test_the_size_counts_where_the_bytes_are_the_same() -> None:
    wide, high = Image.new("RGB", (6, 4), "teal"), Image.new("RGB", (4, 6), "teal")
    one, other = [await pillow().fingerprint(encoded(each)) for each in (wide, high)]
    assert one.pixels != other.pixels


@pytest.mark.parametrize("limits", [ImageLimits(max_bytes=99), ImageLimits(max_pixels=60 * 40 - 1)])
async def test_limits_hold(limits: ImageLimits) -> None:
    with pytest.raises(TooLarge):
        await pillow(limits).fingerprint(encoded(picture()))


async def test_the_largest_allowed_picture_passes() -> None:
    content = encoded(picture())
    limits = ImageLimits(max_bytes=len(content), max_pixels=60 * 40)
    assert (await pillow(limits).fingerprint(content)).pixels == hashed(picture())


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
async def test_damaged_images_are_unprocessable(form: str) -> None:
    content = encoded(picture(), form)
    with pytest.raises(Unprocessable):
        await pillow().fingerprint(content[: len(content) // 2])


async def test_a_bad_image_spoils_no_other() -> None:
    fingerprinter, good = pillow(), encoded(picture())
    contents = [good, good[:200], good]
    results = await asyncio.gather(
        *(fingerprinter.fingerprint(each) for each in contents), return_exceptions=True
    )
    assert [type(each) for each in results] == [Fingerprint, Unprocessable, Fingerprint]


@pytest.mark.skipif(sys.platform != "linux", reason="priorities of threads are Linux's")
async def test_its_threads_yield_to_others() -> None:
    before = set(threading.enumerate())
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    fingerprinter = pillow()
    await fingerprinter.fingerprint(encoded(picture()))
    started = [each.native_id for each in threading.enumerate() if each not in before]
    niceness = [os.getpriority(os.PRIO_PROCESS, each) for each in started if each is not None]
    assert niceness
    assert min(niceness) >= 10
    assert os.getpriority(os.PRIO_PROCESS, 0) == mine


def hashed(image: Image.Image) -> str:
    """The definition of Fingerprint.pixels."""
    return hashlib.sha256(struct.pack(">II", *image.size) + image.tobytes()).hexdigest()
