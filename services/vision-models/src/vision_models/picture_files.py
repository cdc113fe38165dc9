"""Drawn pictures as PNG files that say how they were made."""

from collections.abc import Mapping
from io import BytesIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vision_models.domain import Pixels


def encode(pixels: Pixels, size: tuple[int, int], facts: Mapping[str, str]) -> bytes:
    """A PNG of `size` (width, height), enlarged where needed, with `facts` as text chunks."""
    picture = Image.fromarray(pixels)
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    told = PngInfo()
    for name, value in facts.items():
        told.add_itxt(name, value)
    return _png(picture, told)


def encode_preview(pixels: Pixels) -> bytes:
    """A PNG of the pixels as they are."""
    return _png(Image.fromarray(pixels), PngInfo())


def _png(picture: Image.Image, told: PngInfo) -> bytes:
    file = BytesIO()
    picture.save(file, "PNG", pnginfo=told, compress_level=4)
    return file.getvalue()
