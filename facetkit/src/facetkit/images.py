"""Images from callers: told apart by content, bounded before decoding, turned upright, in RGB."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from facetkit.errors import InvalidInput, TooLarge, Unprocessable, UnsupportedMedia
from facetkit.image_pixels import DAMAGE, orientation_of, to_rgb, turned_upright
from facetkit.image_structure import check_jpeg, check_png, coefficient_bytes

FORMATS = {
    "JPEG": ("image/jpeg", "jpg"),
    "PNG": ("image/png", "png"),
    "WEBP": ("image/webp", "webp"),
}
"""Content type and file extension of each format that is accepted."""

# The classes themselves: Image.open warns about large pictures, and finds MPO within JPEG.
_OPENERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
}
_RGBA_BYTES = 4
_BICUBIC_REACH = 3
_Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """The most an image may have: bytes as sent, pixels, and bytes of samples when decoded."""

    max_bytes: int = 24 * 2**20
    max_pixels: int = 64 * 2**20
    max_decoded_bytes: int = 160 * 2**20


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """`image` is upright RGB, perhaps reduced; `width` and `height` are those before reduction.

    `format` is a key of FORMATS. The image carries no metadata.
    """

    image: Image.Image
    format: str
    width: int
    height: int


def sniff(content: bytes) -> str:
    """The format, a key of FORMATS, told by the first bytes alone.

    Raises InvalidInput for no content and UnsupportedMedia for any other format.
    """
    if not content:
        raise InvalidInput("the image is empty")
    if content.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WEBP"
    raise UnsupportedMedia("the content is not a JPEG, PNG or WebP image")


def decode(content: bytes, *, min_side: int, limits: ImageLimits) -> DecodedImage:
    """The first frame, upright, in RGB, on white where it is transparent.

    It may come reduced, but its shorter side stays at least `2 * min_side` pixels, or as it was.
    Raises InvalidInput for no content, TooLarge over a limit, UnsupportedMedia for another
    format and Unprocessable for damaged content. May run in any thread.
    """
    if len(content) > limits.max_bytes:
        raise TooLarge(f"the image is larger than {limits.max_bytes / 2**20:g} MiB")
    name = sniff(content)
    try:
        return _decode(content, name, 2 * max(1, min_side), limits)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(limits) from error
    except MemoryError as error:
        raise TooLarge("the image needs too much memory") from error
    except DAMAGE as error:
        raise Unprocessable("the image is damaged") from error


def fit_square(image: Image.Image, size: int) -> np.ndarray:
    """The centre of an RGB `image` whose shorter side is resized to `size`: (size, size, 3) uint8.

    Bicubic, with CLIP's geometry; only the pixels that the square shows are computed.
    """
    width, height = image.size
    short = min(width, height)
    across, down = int(size * width / short), int(size * height / short)
    left, top = (across - size) // 2, (down - size) // 2
    x, y = width / across, height / down
    box = (left * x, top * y, min((left + size) * x, width), min((top + size) * y, height))
    if short < size:
        # Pillow takes a long strip vertically first, but not when it enlarges all of it: cut to
        # a near square, the centre gets the same order of passes and so the same rounding.
        image, box = _around(image, box)
    return np.array(image.resize((size, size), Image.Resampling.BICUBIC, box))


def _around(image: Image.Image, box: _Box) -> tuple[Image.Image, _Box]:
    left, top = max(0, int(box[0]) - _BICUBIC_REACH), max(0, int(box[1]) - _BICUBIC_REACH)
    right = min(image.width, int(box[2]) + _BICUBIC_REACH + 1)
    bottom = min(image.height, int(box[3]) + _BICUBIC_REACH + 1)
    moved = (box[0] - left, box[1] - top, box[2] - left, box[3] - top)
    return image.crop((left, top, right, bottom)), moved


def _decode(content: bytes, name: str, keep: int, limits: ImageLimits) -> DecodedImage:
    buffered = name == "JPEG" and check_jpeg(content)
    if name == "PNG":
        check_png(content)
    with _OPENERS[name](BytesIO(content)) as image:
        width, height = image.size
        _check_pixels(width, height, limits)
        image.draft("RGB", (keep, keep))
        need = _coefficients(image, width, height) if buffered else 0
        need += image.width * image.height * _pixel_bytes(image)
        if need > limits.max_decoded_bytes:
            raise TooLarge(
                f"the image needs more than {limits.max_decoded_bytes / 2**20:g} MiB decoded"
            )
        image.load()
        orientation = orientation_of(image)
        upright = turned_upright(to_rgb(image, keep), orientation)
    if orientation >= 5:
        width, height = height, width
    # Left in place, the orientation would be applied again by whoever looks for it.
    upright.info.clear()
    return DecodedImage(upright, name, width, height)


def _pixel_bytes(image: Image.Image) -> int:
    """Bytes a pixel of what is decoded and, where it has to be converted in full, of its copy."""
    decoded = 2 if image.mode.startswith("I") else len(image.getbands())
    whole = image.mode in {"RGB", "RGBA", "L", "CMYK", "YCbCr"} and "transparency" not in image.info
    return decoded if whole else decoded + _RGBA_BYTES


def _check_pixels(width: int, height: int, limits: ImageLimits) -> None:
    if width * height > limits.max_pixels:
        raise _too_many_pixels(limits)
    if min(width, height) < 1:
        raise Unprocessable("the image is damaged")


def _too_many_pixels(limits: ImageLimits) -> TooLarge:
    return TooLarge(f"the image has more than {limits.max_pixels / 1e6:.3g} megapixels")


def _coefficients(image: ImageFile.ImageFile, width: int, height: int) -> int:
    layers = image.layer if isinstance(image, JpegImageFile) else []
    return coefficient_bytes(width, height, [(across, down) for _, across, down, _ in layers])
