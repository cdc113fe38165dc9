"""Scenes from seeds, and which combinations training never sees."""

import numpy as np

from small_world.attributes import (
    BACKGROUNDS,
    CLUTTERS,
    EVERYDAY,
    JEWELLERY,
    LIGHTS,
    METALS,
    PAIR_STONE_COUNTS,
    SHADOWS,
    STONE_COUNTS,
    STONE_SHAPES,
    STONES,
    STYLES,
    TEXTURES,
    TYPES,
    Piece,
    Pose,
    Scene,
    Staging,
)

TRAINING = "training"
HELD_OUT = "held-out"
SPLITS = (TRAINING, HELD_OUT)
JEWELLERY_SHARE = 0.3

Combination = tuple[str, str, str]
"""Type, metal and stone."""


def is_held_out(combination: Combination) -> bool:
    """Whether training never shows this type in this metal with this stone together.

    One of the five stones for every type and metal; each pair of the three is still shown.
    """
    type_, metal, stone = combination
    place = TYPES.index(type_) + METALS.index(metal) + STONES.index(stone)
    return place % len(STONES) == 0


def combinations(split: str) -> list[Combination]:
    """All combinations of a split of SPLITS, in a fixed order."""
    if split not in SPLITS:
        raise ValueError(f"'split' must be one of {', '.join(SPLITS)}")
    every = [(type_, metal, stone) for type_ in TYPES for metal in METALS for stone in STONES]
    return [each for each in every if is_held_out(each) == (split == HELD_OUT)]


def piece(split: str, index: int, seed: int = 0) -> Piece:
    """The piece with this number of a split."""
    random = _random(seed, SPLITS.index(split), index, 0)
    types = JEWELLERY if random.random() < JEWELLERY_SHARE else EVERYDAY
    type_ = str(random.choice(types))
    metal = str(random.choice(METALS))
    stones = [
        stone for stone in STONES if (split == HELD_OUT) == is_held_out((type_, metal, stone))
    ]
    return of_combination((type_, metal, str(random.choice(stones))), random)


def of_combination(combination: Combination, random: np.random.Generator) -> Piece:
    """A piece of this combination, all else by chance."""
    type_, metal, stone = combination
    counts = PAIR_STONE_COUNTS if type_ == "earrings" else STONE_COUNTS
    bare = stone == "none"
    return Piece(
        type=type_,
        metal=metal,
        stone=stone,
        stone_count=0 if bare else int(random.choice(counts)),
        stone_shape="none" if bare else str(random.choice(STONE_SHAPES)),
        style=str(random.choice(STYLES)),
        texture=str(random.choice(TEXTURES)),
        build=int(random.integers(2**31)),
    )


def scene(split: str, index: int, view: int = 0, seed: int = 0) -> Scene:
    """A view of a piece: other views show it in another pose, light and staging."""
    random = _random(seed, SPLITS.index(split), index, view + 1)
    return Scene(piece(split, index, seed), pose(random), staging(random))


def pose(random: np.random.Generator) -> Pose:
    """A pose that keeps the piece whole in the picture."""
    scale = float(random.uniform(0.4, 0.48))
    room = 0.5 - scale
    return Pose(
        turn=float(random.uniform(-22, 22)),
        tilt=float(random.uniform(0, 28)),
        scale=scale,
        x=0.5 + float(random.uniform(-room, room)),
        y=0.5 + float(random.uniform(-room, room)),
        mirrored=bool(random.random() < 0.5),
    )


def staging(random: np.random.Generator) -> Staging:
    """Background, light, shadow and clutter by chance."""
    return Staging(
        background=str(random.choice(BACKGROUNDS)),
        light=str(random.choice(LIGHTS)),
        light_angle=float(random.uniform(200, 340)),
        brightness=float(random.uniform(0.85, 1.1)),
        shadow=str(random.choice(SHADOWS)),
        clutter=str(random.choice(CLUTTERS, p=[0.55, 0.15, 0.15, 0.15])),
        grain=int(random.integers(2**31)),
    )


def _random(*seeds: int) -> np.random.Generator:
    return np.random.default_rng(seeds)
