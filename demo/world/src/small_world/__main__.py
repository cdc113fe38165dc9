"""`python -m small_world --count 60 --to folder` writes pictures with their full descriptions."""

import argparse
import json
import tempfile
from collections.abc import Callable
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
    parser.add_argument("--to", type=Path, required=True, help="a folder that is not there yet")
    parser.add_argument("--count", type=_from_to(1, 100_000), default=60)
    parser.add_argument("--first", type=_from_to(0, 2**31), default=0, help="the first piece")
    parser.add_argument("--side", type=_from_to(32, 2048), default=512, help="pixels")
    parser.add_argument("--split", choices=sampling.SPLITS, default=sampling.HELD_OUT)
    arguments = parser.parse_args()
    folder: Path = arguments.to
    if folder.exists():
        parser.error(f"--to: {folder} is there already")
    numbers = range(arguments.first, arguments.first + arguments.count)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as making:
            _write_all(Path(making) / folder.name, arguments.split, numbers, arguments.side)
            (Path(making) / folder.name).rename(folder)
    except OSError as error:
        parser.error(f"--to: {folder} cannot be written: {error.strerror}")


def _from_to(lowest: int, highest: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text) if text.lstrip("-").isdecimal() else lowest - 1
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"must be a number from {lowest} to {highest}")
        return value

    return number


def _write_all(folder: Path, split: str, numbers: range, side: int) -> None:
    (folder / "masks").mkdir(parents=True)
    with (folder / "descriptions.jsonl").open("w", encoding="utf-8") as descriptions:
        for number in numbers:
            picture = render(sampling.scene(split, number), side)
            picture.image.save(folder / f"{number:05}.jpg", quality=90)
            _mask(picture).save(folder / "masks" / f"{number:05}.png")
            known = {"file": f"{number:05}.jpg", **description(picture, number)}
            descriptions.write(json.dumps(known) + "\n")


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
