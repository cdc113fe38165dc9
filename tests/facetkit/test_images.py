import pickle
import random
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from facetkit.errors import (
    InvalidInput,
    TooLarge,
    Unprocessable,
    UnsupportedMedia,
)
from facetkit.images import FORMATS, DecodedImage, ImageLimits, decode, fit_square, sniff

LIMITS = ImageLimits()
LOSSLESS: dict[str, dict[str, Any]] = {"PNG": {}, "WEBP": {"lossless": True, "exact": True}}


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    """Smooth colours with some grain, as photographs have."""
    draw = np.random.default_rng(seed)
    coarse = Image.fromarray(draw.integers(0, 256, (7, 9, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    grain = draw.integers(-6, 7, smooth.shape)
    return Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, name: str = "PNG", **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, name, **options)
    return stream.getvalue()


def decoded(content: bytes, min_side: int = 10_000, limits: ImageLimits = LIMITS) -> DecodedImage:
    return decode(content, min_side=min_side, limits=limits)


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def png_header(width: int, height: int) -> bytes:
    return png([(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))])


def png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    content = b"\x89PNG\r\n\x1a\n"
    for name, body in [*chunks, (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b"")]:
        crc = struct.pack(">I", zlib.crc32(name + body))
        content += struct.pack(">I", len(body)) + name + body + crc
    return content


def jpeg_header(width: int, height: int, *, frame: int = 0xC0, scan: bytes = b"\3") -> bytes:
    layers = b"\x01\x11\x00\x02\x11\x00\x03\x11\x00"
    size = struct.pack(">HBHHB", 17, 8, height, width, 3)
    start = struct.pack(">H", 6 + 2 * scan[0]) + scan + b"\x01\x00" * scan[0] + b"\x00\x3f\x00"
    return b"\xff\xd8\xff" + bytes([frame]) + size + layers + b"\xff\xda" + start + b"\0" * 64


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_told_and_decoded(name: str) -> None:
    source = picture(60, 40)
    got = decoded(encoded(source, name, quality=95))
    assert (got.format, got.width, got.height) == (name, 60, 40)
    assert (got.image.mode, got.image.size) == ("RGB", (60, 40))
    assert abs(pixels(got.image) - pixels(source)).mean() < 6


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_lossless_modes_keep_their_colours(mode: str) -> None:
    source = picture(60, 40).convert(mode)
    got = decoded(encoded(source))
    assert np.array_equal(pixels(got.image), pixels(source.convert("RGB")))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_modes_become_rgb(mode: str, progressive: bool) -> None:
    source = picture(64, 48).convert(mode)
    got = decoded(encoded(source, "JPEG", quality=95, progressive=progressive))
    assert got.image.mode == "RGB"
    assert abs(pixels(got.image) - pixels(source.convert("RGB"))).mean() < 6


def test_sixteen_bit_grey_is_scaled_and_not_cut_off() -> None:
    grey = np.linspace(0, 65535, 60 * 40).astype(np.uint16).reshape(40, 60)
    got = decoded(encoded(Image.fromarray(grey)))
    assert np.array_equal(pixels(got.image)[..., 1], grey >> 8)
    reduced = decoded(encoded(Image.fromarray(grey)), min_side=5).image
    assert reduced.size == (15, 10)
    assert abs(pixels(reduced).mean() - 127.5) < 2


@pytest.mark.parametrize("name", LOSSLESS)
def test_transparency_lies_on_white(name: str) -> None:
    source = picture(60, 40).convert("RGBA")
    source.paste((255, 0, 0, 0), (0, 0, 30, 40))
    source.paste((0, 0, 0, 128), (30, 0, 60, 10))
    got = pixels(decoded(encoded(source, name, **LOSSLESS[name])).image)
    assert (got[:, :30] == 255).all()
    assert abs(got[:10, 30:] - 127).max() <= 1
    assert np.array_equal(got[10:, 30:], pixels(source)[10:, 30:, :3])


@pytest.mark.parametrize(
    ("mode", "keyed"), [("L", 0), ("1", 0), ("RGB", (0, 0, 0)), ("P", 0), ("I;16", 0)]
)
def test_a_transparent_colour_is_white_even_when_reduced(mode: str, keyed: Any) -> None:
    source = Image.new(mode, (64, 64), keyed)
    content = encoded(source, transparency=keyed)
    for min_side in (8, 100):
        assert (pixels(decoded(content, min_side=min_side).image) == 255).all()


def test_transparency_of_grey_and_of_a_palette() -> None:
    assert (pixels(decoded(encoded(Image.new("LA", (8, 8), (9, 0)))).image) == 255).all()
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    got = pixels(decoded(encoded(palette, transparency=b"\xff\x00")).image)
    assert (got == 255).all()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(name: str, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = picture(64, 40)
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = LOSSLESS.get(name, {"quality": 100, "subsampling": 0})
    got = decoded(encoded(stored, name, exif=exif, **options))
    assert (got.width, got.height, got.image.size) == (64, 40, (64, 40))
    assert abs(pixels(got.image) - pixels(upright)).max() <= (8 if name == "JPEG" else 0)
    assert not got.image.getexif()
    assert not got.image.info


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_unknown_orientation_is_ignored(value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    assert decoded(encoded(picture(30, 20), "JPEG", exif=exif)).image.size == (30, 20)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("size", [(1600, 1200), (449, 447), (3583, 449), (896, 1791), (30, 2000)])
def test_the_shorter_side_stays_twice_the_smallest_asked(name: str, size: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    got = decoded(encoded(picture(*size), name, exif=exif), min_side=224)
    assert (got.height, got.width) == size
    assert min(min(size), 448) <= min(got.image.size) <= max(2 * 448, 30)
    ratio = got.image.width / got.image.height
    assert ratio == pytest.approx(got.width / got.height, rel=0.01)


@pytest.mark.parametrize("name", FORMATS)
def test_a_reduced_picture_looks_the_same(name: str) -> None:
    source = picture(1800, 1000)
    got = fit_square(decoded(encoded(source, name, quality=92), min_side=112).image, 112)
    assert abs(got.astype(int) - fit_square(source, 112)).mean() < 2


def test_animations_give_their_first_frame() -> None:
    first, second = Image.new("RGB", (20, 10), "red"), Image.new("RGB", (20, 10), "blue")
    for name, options in LOSSLESS.items():
        content = encoded(first, name, save_all=True, append_images=[second], **options)
        assert (pixels(decoded(content).image) == (255, 0, 0)).all()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("cut", [0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99])
def test_truncated_content_is_refused(name: str, cut: float) -> None:
    content = encoded(picture(300, 200), name)
    with pytest.raises((Unprocessable, UnsupportedMedia)):
        decoded(content[: int(len(content) * cut)])


def test_a_file_cut_in_its_last_bytes_is_refused() -> None:
    content = encoded(picture(300, 200))
    for missing in (1, 4, 12, 14):
        with pytest.raises(Unprocessable, match=r"^the image is damaged$"):
            decoded(content[:-missing])


@pytest.mark.parametrize("name", FORMATS)
def test_only_errors_of_the_family_escape_from_mutated_files(name: str) -> None:
    draw = random.Random(name)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "description"
    sources = [
        encoded(picture(50, 30), name, exif=exif),
        encoded(picture(50, 30).convert("RGBA" if name != "JPEG" else "CMYK"), name, exif=exif),
        encoded(picture(50, 30), name, exif=exif, progressive=True, lossless=True),
        encoded(picture(50, 30).quantize(16).convert("RGB" if name != "PNG" else "P"), name),
    ]
    for _ in range(400):
        content = bytearray(draw.choice(sources))
        for _ in range(draw.choice([1, 1, 2, 8])):
            reach = draw.choice([64, 400, len(content)])
            content[draw.randrange(min(reach, len(content)))] = draw.randrange(256)
        if draw.random() < 0.2:
            at = draw.randrange(len(content))
            content[at:at] = content[draw.randrange(len(content)) :][:50]
        with suppress(Unprocessable, UnsupportedMedia, TooLarge):
            assert decoded(bytes(content), min_side=draw.choice([4, 224])).image.mode == "RGB"


OTHERS = {
    "text": b"hello, I am a jpg",
    "pickle": pickle.dumps({"a": 1}),
    "gif": encoded(Image.new("L", (4, 4)), "GIF"),
    "bmp": encoded(Image.new("L", (4, 4)), "BMP"),
    "tiff": encoded(Image.new("L", (4, 4)), "TIFF"),
    "eps": encoded(Image.new("L", (4, 4)), "EPS"),
    "fits": b"SIMPLE  =                    T".ljust(2880),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "wav": b"RIFF\x24\0\0\0WAVEfmt ",
    "half a signature": b"\x89PNG\r\n",
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_other_content_is_unsupported(content: bytes) -> None:
    for attempt in (sniff, decoded):
        with pytest.raises(UnsupportedMedia, match="not a JPEG, PNG or WebP image"):
            attempt(content)


def test_no_content_is_invalid_input() -> None:
    for attempt in (sniff, decoded):
        with pytest.raises(InvalidInput, match="is empty") as caught:
            attempt(b"")
        assert type(caught.value) is InvalidInput


def test_too_many_bytes_are_refused_before_anything_else() -> None:
    with pytest.raises(TooLarge, match=r"larger than 0\.5 MiB"):
        decoded(b"x" * (2**19 + 1), limits=ImageLimits(max_bytes=2**19))


def test_a_hundred_megapixels_are_too_large() -> None:
    content = encoded(Image.new("L", (10_000, 10_000)), compress_level=1)
    with pytest.raises(TooLarge, match=r"more than 67\.1 megapixels"):
        decoded(content)


@pytest.mark.parametrize(
    "content",
    [
        png_header(50_000, 50_000),
        png_header(2**31 - 1, 2**31 - 1),
        jpeg_header(65_000, 65_000),
        b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xfe\x3f\0" * 2,
        encoded(Image.new("RGB", (16_000, 5_000)), "WEBP", method=0, quality=1),
    ],
    ids=["png", "huge png", "jpeg", "broken webp", "webp"],
)
def test_bombs_are_refused(content: bytes) -> None:
    with pytest.raises((TooLarge, Unprocessable)):
        decoded(content)


def test_the_memory_of_decoding_is_bounded() -> None:
    small = ImageLimits(max_decoded_bytes=400_000)
    source = picture(800, 600)
    with pytest.raises(TooLarge, match="MiB decoded"):
        decoded(encoded(source), limits=small)
    with pytest.raises(TooLarge, match="MiB decoded"):
        decoded(encoded(source, "JPEG"), limits=small)
    assert decoded(encoded(source, "JPEG"), min_side=75, limits=small).image.size == (200, 150)


def test_progressive_pictures_count_all_their_coefficients() -> None:
    source = picture(800, 600)
    for subsampling, need in ((0, 800 * 600 * 6), (2, 800 * 608 * 3)):
        content = encoded(source, "JPEG", progressive=True, subsampling=subsampling)
        enough = ImageLimits(max_decoded_bytes=need + 200 * 150 * 3)
        assert decoded(content, min_side=75, limits=enough).image.size == (200, 150)
        short = ImageLimits(max_decoded_bytes=enough.max_decoded_bytes - 1)
        with pytest.raises(TooLarge, match="MiB decoded"):
            decoded(content, min_side=75, limits=short)


@pytest.mark.parametrize(("frame", "scan"), [(0xC2, b"\3"), (0xC0, b"\1")])
def test_colours_in_several_scans_count_as_progressive(frame: int, scan: bytes) -> None:
    limits = ImageLimits(max_decoded_bytes=2**20)
    with pytest.raises(TooLarge, match="MiB decoded"):
        decoded(jpeg_header(1600, 1600, frame=frame, scan=scan), min_side=16, limits=limits)
    with pytest.raises(Unprocessable):
        decoded(jpeg_header(1600, 1600), min_side=16, limits=limits)


def test_files_made_to_keep_a_decoder_busy_are_refused() -> None:
    progressive = encoded(picture(64, 64), "JPEG", progressive=True)
    last = progressive.rindex(b"\xff\xda")
    cases = [
        progressive[:-2] + progressive[last:-2] * 200 + b"\xff\xd9",
        b"\xff\xd8\xff" + b"\0" * 200_000 + progressive[2:],
        b"\xff\xd8" + b"\xff\xfe\x00\x02" * 50_000 + progressive[2:],
        png([(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)), *[(b"teXt", b"")] * 30_000]),
    ]
    for content in cases:
        with pytest.raises(Unprocessable, match="too many parts"):
            decoded(content)


@pytest.mark.parametrize(
    "content",
    [png_header(0, 5), jpeg_header(0, 5), jpeg_header(5, 0), b"\xff\xd8\xff", b"\xff\xd8\xff\xe0"],
)
def test_nothing_to_see_is_damaged(content: bytes) -> None:
    with pytest.raises(Unprocessable, match=r"^the image is damaged$"):
        decoded(content)


def test_many_threads_decode_the_same() -> None:
    content = encoded(picture(640, 480), "JPEG")
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: fit_square(decoded(content, 64).image, 64), range(32)))
    assert all(np.array_equal(results[0], other) for other in results)


@pytest.mark.parametrize("side", [224, 336])
@pytest.mark.parametrize(
    "size",
    [
        *[(800, 600), (601, 799), (224, 224), (225, 223), (97, 131), (1999, 251), (251, 1999)],
        *[(1777, 50), (50, 1777), (3, 500), (1, 1), (449, 1000), (230, 461), (300, 4000)],
    ],
)
def test_squares_are_those_of_clip(size: tuple[int, int], side: int) -> None:
    source = picture(*size)
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": side},
        crop_size={"height": side, "width": side},
        do_rescale=False,
        do_normalize=False,
    )
    expected = np.asarray(processor(images=source)["pixel_values"][0]).transpose(1, 2, 0)
    got = fit_square(source, side)
    assert got.shape == (side, side, 3)
    assert got.dtype == np.uint8
    assert got.flags.writeable
    assert abs(got.astype(int) - expected.astype(int)).max() <= 1


def test_a_square_of_a_line_needs_no_room_for_the_whole() -> None:
    line = Image.new("RGB", (60_000, 1), (1, 2, 3))
    assert (fit_square(line, 224) == (1, 2, 3)).all()
