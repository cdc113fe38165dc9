"""`python -m small_world --count 60 --to folder` writes pictures with their full descriptions."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from small_world import captions, sampling
from small_world.render import Picture, render

CAPTIONS = 5
PIECE, STONE = 128, 255
"""Grey of the piece and of its stones in a mask's file."""


def main() -> None:
    """Writes `NNNNN.jpg`, `masks/NNNNN.png` and a line of `descriptions.jsonl` per picture."""
    parser = argparse.ArgumentParser(prog="small_world", description=__doc__)
    parser.add_argument("--to", type=Path, required=True, help="the folder to write into")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--first", type=int, default=0, help="number of the first piece")
    parser.add_argument("--side", type=int, default=512, help="pixels")
    parser.add_argument("--split", choices=sampling.SPLITS, default=sampling.HELD_OUT)
    arguments = parser.parse_args()
    folder: Path = arguments.to
    (folder / "masks").mkdir(parents=True, exist_ok=True)
    numbers = range(arguments.first, arguments.first + arguments.count)
    lines = _write_all(folder, arguments.split, numbers, arguments.side)
    (folder / "descriptions.jsonl").write_text("".join(lines), encoding="utf-8")


def _write_all(folder: Path, split: str, numbers: range, side: int) -> Iterator[str]:
    for number in numbers:
        picture = render(sampling.scene(split, number), side)
        picture.image.save(folder / f"{number:05}.jpg", quality=90)
        _mask(picture).save(folder / "masks" / f"{number:05}.png")
        yield json.dumps({"file": f"{number:05}.jpg", **description(picture, number)}) + "\n"


def description(picture: Picture, seed: int) -> dict[str, Any]:
    """Attributes, captions and boxes, ready for JSON."""
    random = Random(seed)
    told = [captions.varied(picture.scene, random).text for _ in range(CAPTIONS)]
    return {
        **picture.scene.attributes(),
        "captions": told,
        "box": picture.box,
        "stone_boxes": picture.stone_boxes,
    }


def _mask(picture: Picture) -> Image.Image:
    grey = np.where(picture.mask, PIECE, 0).astype(np.uint8)
    for stone in picture.stone_masks:
        grey[stone] = STONE
    return Image.fromarray(grey)


if __name__ == "__main__":
    main()
