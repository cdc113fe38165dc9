"""Facts of scenes and captions as numbers, and which caption is true of which picture."""

from collections.abc import Sequence
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray

from small_world import attributes
from small_world.captions import FACTS, Fact, Facts

UNNAMED = -1
_COUNTS = (0, *sorted({*attributes.STONE_COUNTS, *attributes.PAIR_STONE_COUNTS}))
VALUES: dict[str, tuple[Fact, ...]] = {
    "kind": ("jewellery", "everyday"),
    "type": attributes.TYPES,
    "metal": attributes.METALS,
    "stone": attributes.STONES,
    "stone_count": _COUNTS,
    "stone_shape": (*attributes.STONE_SHAPES, "none"),
    "style": attributes.STYLES,
    "texture": attributes.TEXTURES,
    "background": attributes.BACKGROUNDS,
}
"""What each fact can be; a fact's number is its place here."""

COLUMNS = {name: column for column, name in enumerate(FACTS)}
assert tuple(VALUES) == FACTS


def numbers(facts: Sequence[Facts]) -> NDArray[np.int64]:
    """One row per set of facts, one column per name of FACTS; UNNAMED where it is not said."""
    rows = [
        [VALUES[name].index(each[name]) if name in each else UNNAMED for name in FACTS]
        for each in facts
    ]
    return np.array(rows, np.int64)


def altered(facts: Facts, random: Random) -> Facts:
    """The facts with one of them wrong; "none" and 0 are never what it becomes."""
    name = random.choice(sorted(facts))
    others = [value for value in VALUES[name] if value not in (facts[name], "none", 0)]
    return {**facts, name: random.choice(others)}


def true_of(pictures: torch.Tensor, captions: torch.Tensor) -> torch.Tensor:
    """pictures × captions, boolean: whether each caption is true of each picture."""
    same = pictures[:, None, :] == captions[None, :, :]
    return (same | (captions == UNNAMED)[None]).all(dim=2)
