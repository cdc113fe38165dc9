import colorsys
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from small_world import sampling
from small_world.attributes import METALS, STONE_SHAPES, STONES, Piece, Pose, Scene, Staging
from small_world.render import Picture, render
from small_world.sampling import HELD_OUT, SPLITS, TRAINING

PIECE = Piece("crown", "gold", "red", 3, "round", "classic", "polished", 1)
POSE = Pose(turn=0, tilt=0, scale=0.45, x=0.5, y=0.5, mirrored=False)
SCENE = Scene(PIECE, POSE, Staging("grey", "neutral", 260, 1.0, "none", "none", 1))

CHANGES: dict[str, dict[str, Any]] = {
    "piece": {
        "type": "ring",
        "metal": "silver",
        "stone": "blue",
        "stone_count": 5,
        "stone_shape": "square",
        "style": "ornate",
        "texture": "hammered",
        "build": 2,
    },
    "pose": {"turn": 9.0, "tilt": 20.0, "scale": 0.41, "x": 0.53, "y": 0.53, "mirrored": True},
    "staging": {
        "background": "sand",
        "light": "warm",
        "light_angle": 300.0,
        "brightness": 0.9,
        "shadow": "soft",
        "clutter": "pebbles",
        "grain": 2,
    },
}

# Hue in degrees from -30, saturation, value: what people call by these names.
COLOURS = {
    "gold": ((30, 55), (0.5, 1.0), (0.6, 1.0)),
    "rose gold": ((-15, 20), (0.25, 0.5), (0.6, 1.0)),
    "silver": ((-30, 330), (0.0, 0.15), (0.5, 0.85)),
    "black": ((-30, 330), (0.0, 0.2), (0.0, 0.35)),
    "red": ((-20, 15), (0.55, 1.0), (0.5, 1.0)),
    "blue": ((205, 245), (0.5, 1.0), (0.5, 1.0)),
    "green": ((110, 160), (0.5, 1.0), (0.45, 1.0)),
    "white": ((-30, 330), (0.0, 0.15), (0.85, 1.0)),
}


def draw(scene: Scene, side: int = 64) -> Picture:
    return render(scene, side, oversampling=2)


def pixels(picture: Picture) -> NDArray[np.uint8]:
    return np.asarray(picture.image)


def stones(picture: Picture) -> NDArray[np.bool_]:
    union = np.zeros_like(picture.mask)
    for mask in picture.stone_masks:
        union |= mask
    return union


def names_of(colour: NDArray[np.float64]) -> list[str]:
    hue, *rest = colorsys.rgb_to_hsv(*(colour / 255))
    seen = ((hue * 360 + 30) % 360 - 30, *rest)
    return [
        name
        for name, ranges in COLOURS.items()
        if all(low <= part <= high for part, (low, high) in zip(seen, ranges, strict=True))
    ]


def widened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    wide, padded, side = mask.copy(), np.pad(mask, 1), len(mask)
    for y, x in product(range(3), repeat=2):
        wide |= padded[y : y + side, x : x + side]
    return wide


def test_the_same_scene_gives_the_same_pixels_and_masks() -> None:
    scene = sampling.scene(TRAINING, 3)
    once, again = draw(scene), draw(sampling.scene(TRAINING, 3))
    assert once.image.tobytes() == again.image.tobytes()
    assert np.array_equal(once.mask, again.mask)
    assert np.array_equal(once.stone_masks, again.stone_masks)


def test_a_picture_is_as_large_as_it_should_be_and_in_colour() -> None:
    picture = render(SCENE, 50)
    assert (picture.image.size, picture.image.mode) == ((50, 50), "RGB")
    assert {mask.shape for mask in (picture.mask, *picture.stone_masks)} == {(50, 50)}


def test_several_hundred_scenes_of_both_splits_are_all_different() -> None:
    scenes = [sampling.scene(split, index) for split in SPLITS for index in range(80)]
    scenes += [sampling.scene(HELD_OUT, 0, view) for view in range(1, 21)]
    scenes += [sampling.scene(TRAINING, index, seed=1) for index in range(20)]
    assert len({render(scene, 40, 1).image.tobytes() for scene in scenes}) == len(scenes)


@pytest.mark.parametrize("part", CHANGES)
def test_every_attribute_shows(part: str) -> None:
    plain = pixels(draw(SCENE))
    assert CHANGES[part].keys() == SCENE.attributes()[part].keys()
    for name, value in CHANGES[part].items():
        changed = replace(SCENE, **{part: replace(getattr(SCENE, part), **{name: value})})
        assert (pixels(draw(changed)) != plain).any(axis=2).sum() > 20, name


@pytest.mark.parametrize("type_", ["ring", "necklace", "key", "crown", "vase"])
@pytest.mark.parametrize("metal", METALS)
def test_a_metal_has_the_colour_that_its_name_says(type_: str, metal: str) -> None:
    for stone, count, shape in (("none", 0, "none"), ("green", 3, "round")):
        piece = Piece(type_, metal, stone, count, shape, "classic", "polished", 4)
        picture = draw(replace(SCENE, piece=piece))
        assert names_of(pixels(picture)[picture.mask & ~stones(picture)].mean(axis=0)) == [metal]


@pytest.mark.parametrize("shape", STONE_SHAPES)
@pytest.mark.parametrize("stone", [stone for stone in STONES if stone != "none"])
def test_a_stone_has_the_colour_that_its_name_says(stone: str, shape: str) -> None:
    for metal in ("silver", "rose gold"):
        piece = replace(PIECE, metal=metal, stone=stone, stone_shape=shape)
        picture = draw(replace(SCENE, piece=piece), 96)
        assert names_of(pixels(picture)[stones(picture)].mean(axis=0)) == [stone]


@pytest.mark.parametrize("index", range(12))
def test_the_metal_changes_pixels_of_the_piece_only(index: int) -> None:
    scene = sampling.scene(TRAINING, index)
    # No inlay and no opening: all of the piece but its stones is metal.
    types = ("ring", "earrings", "spoon", "comb", "crown", "bell")
    piece = replace(scene.piece, type=types[index % len(types)], stone_count=2 * (index % 2))
    piece = replace(piece, stone="red", stone_shape="round")
    staging = replace(scene.staging, shadow="none")
    gold, black = (
        draw(Scene(replace(piece, metal=metal), scene.pose, staging)) for metal in ("gold", "black")
    )
    differs = (pixels(gold) != pixels(black)).any(axis=2)
    assert not (differs & ~widened(gold.mask)).any()
    assert differs[gold.mask & ~stones(gold)].mean() > 0.98
