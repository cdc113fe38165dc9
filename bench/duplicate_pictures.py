"""Files of one picture saved anew, and of other pictures that are easily taken for it."""

import io
import struct
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from small_world import sampling
from small_world.attributes import METALS, STONES, Scene
from small_world.captions import PIECE_FACTS
from small_world.render import render

SIDE = 384
OVERSAMPLING = 2
QUALITY = 90
SMALL_SCALE = 0.25
"""Half as wide as the picture."""
_ORIENTATION, _DESCRIPTION = 0x0112, 0x010E
_TURNED_LEFT = 6

Picture = Image.Image
Random = np.random.Generator
Files = dict[str, bytes]
"""Encoded images by what was done to the picture."""


def drawn(scene: Scene) -> bytes:
    """The scene as a file."""
    return _encoded(render(scene, SIDE, OVERSAMPLING).image)


def same_pixels(original: bytes) -> Files:
    """Other bytes that show the very same pixels once upright."""
    picture = _decoded(original)
    turned = picture.transpose(Image.Transpose.ROTATE_90)
    return {
        "metadata rewritten": _with_metadata(original),
        "PNG": _encoded(picture, "PNG", compress_level=1),
        "WebP, lossless": _encoded(picture, "WEBP", lossless=True, method=0),
        "turned by EXIF, PNG": _encoded(turned, "PNG", exif=_exif(), compress_level=1),
    }


def saved_anew(original: bytes) -> Files:
    """The whole picture in another quality or size."""
    picture = _decoded(original)
    turned = picture.transpose(Image.Transpose.ROTATE_90)
    files = {f"JPEG {q}": _encoded(picture, quality=q) for q in (90, 75, 50)}
    files["WebP 80"] = _encoded(picture, "WEBP", quality=80, method=2)
    for percent in (75, 50, 25):
        files[f"resized to {percent} %"] = _encoded(_resized(picture, percent))
    files["resized to 50 %, JPEG 60"] = _encoded(_resized(picture, 50), quality=60)
    files["turned by EXIF, JPEG"] = _encoded(turned, quality=QUALITY, exif=_exif())
    return files


def retouched(original: bytes, random: Random) -> Files:
    """Most of the picture, or all of it in another exposure."""
    picture = _decoded(original)
    files = {f"cropped by {c} %": _encoded(_cropped(picture, c, random)) for c in (5, 10)}
    for name, factor in (("brighter by 10 %", 1.1), ("darker by 10 %", 0.9)):
        files[name] = _encoded(ImageEnhance.Brightness(picture).enhance(factor))
    return files


def beyond(original: bytes, random: Random) -> Files:
    """So much changed that no tier has to hold it."""
    picture = _decoded(original)
    return {
        "cropped by 20 %": _encoded(_cropped(picture, 20, random)),
        "watermark": _encoded(_watermarked(picture)),
        "mirrored": _encoded(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    }


def look_alikes(scene: Scene, other_view: Scene, random: Random) -> Files:
    """Other pictures: of the piece itself, or in its place of one that differs from it."""
    piece = scene.piece
    kind = sampling.of_combination((piece.type, piece.metal, piece.stone), random)
    while _words(replace(scene, piece=kind)) == _words(scene):
        kind = sampling.of_combination((piece.type, piece.metal, piece.stone), random)
    metal = _another(METALS, piece.metal, random)
    files = {
        "another view of the piece": drawn(other_view),
        "same kind, same pose and ground": drawn(replace(scene, piece=kind)),
        "same kind, another view": drawn(replace(other_view, piece=kind)),
        "in another metal": drawn(replace(scene, piece=replace(piece, metal=metal))),
    }
    if piece.stone_count:
        stone = _another(STONES[:-1], piece.stone, random)
        files["with another stone"] = drawn(replace(scene, piece=replace(piece, stone=stone)))
    return files


def twin(scene: Scene) -> bytes:
    """Another piece that no word tells apart; often it looks the same."""
    return drawn(replace(scene, piece=replace(scene.piece, build=scene.piece.build + 1)))


def small_on_white(scene: Scene) -> Scene:
    """The scene as catalogues show small things: in the middle of much white."""
    pose = replace(scene.pose, scale=SMALL_SCALE, x=0.5, y=0.5)
    return replace(
        scene, pose=pose, staging=replace(scene.staging, background="white", clutter="none")
    )


def _words(scene: Scene) -> list[object]:
    return [getattr(scene.piece, name) for name in PIECE_FACTS]


def _another(names: tuple[str, ...], name: str, random: Random) -> str:
    return str(random.choice([each for each in names if each != name]))


def _decoded(content: bytes) -> Picture:
    return Image.open(io.BytesIO(content)).convert("RGB")


def _encoded(picture: Picture, form: str = "JPEG", **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **({"quality": QUALITY} | options))
    return stream.getvalue()


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[_ORIENTATION] = _TURNED_LEFT
    return exif


def _with_metadata(jpeg: bytes) -> bytes:
    exif = Image.Exif()
    exif[_DESCRIPTION] = "found in the attic"
    body = exif.tobytes()
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def _resized(picture: Picture, percent: int) -> Picture:
    size = (picture.width * percent // 100, picture.height * percent // 100)
    return picture.resize(size, Image.Resampling.LANCZOS)


def _cropped(picture: Picture, percent: int, random: Random) -> Picture:
    """Without so much of its width and of its height, taken from both ends by chance."""
    lost = picture.width * percent // 100
    left, top = (int(random.integers(lost + 1)) for _ in range(2))
    return picture.crop((left, top, left + picture.width - lost, top + picture.height - lost))


def _watermarked(picture: Picture) -> Picture:
    marked = picture.copy()
    middle = (picture.width / 2, picture.height * 0.85)
    font = ImageFont.load_default(size=picture.width // 12)
    draw = ImageDraw.Draw(marked, "RGBA")
    draw.text(middle, "© shop.example", (255, 255, 255, 150), font, "mm", stroke_width=1)
    return marked
