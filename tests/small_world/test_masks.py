from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from small_world import sampling
from small_world.attributes import (
    PAIR_STONE_COUNTS,
    STONE_COUNTS,
    STONE_SHAPES,
    STYLES,
    TYPES,
    Piece,
    Pose,
    Scene,
    Staging,
)
from small_world.render import Picture, box_of, render
from small_world.sampling import SPLITS

Flags = NDArray[np.bool_]

PLAIN = Staging("grey", "neutral", 260, 1.0, "none", "none", 1)
OTHER = Staging("wood", "warm", 320, 0.9, "soft", "petals", 2)
CENTRED = Pose(turn=0, tilt=0, scale=0.45, x=0.5, y=0.5, mirrored=False)


def draw(scene: Scene, side: int = 64) -> Picture:
    return render(scene, side, oversampling=2)


def sampled(number: int) -> list[Scene]:
    return [sampling.scene(SPLITS[index % 2], index) for index in range(number)]


def pieces_of(type_: str, style: str) -> list[Piece]:
    counts = PAIR_STONE_COUNTS if type_ == "earrings" else STONE_COUNTS
    shapes = np.roll(STONE_SHAPES, TYPES.index(type_) + STYLES.index(style))
    stones = [("red", count, str(shapes[count % 4])) for count in counts]
    return [
        Piece(type_, "gold", stone, count, shape, style, "polished", build=count)
        for stone, count, shape in (("none", 0, "none"), *stones)
    ]


def in_corner(scene: Scene, towards: int) -> Picture:
    # 12 of 60 pixels from one corner to the other, both ways.
    room = 0.5 - scene.pose.scale
    at = 0.5 + towards * room
    return render(replace(scene, pose=replace(scene.pose, x=at, y=at)), 60, 1)


def overlap(one: Flags, other: Flags) -> float:
    return float((one & other).sum() / (one | other).sum())


def assert_stones_show(picture: Picture) -> None:
    masks = picture.stone_masks
    assert len(masks) == picture.scene.piece.stone_count
    assert picture.stone_boxes == [box_of(mask) for mask in masks]
    above = np.zeros_like(picture.mask)
    for mask in reversed(masks):
        assert mask.sum() > 4
        assert not (mask & ~picture.mask).any()
        # A later stone may lap over an earlier one, never hide it.
        assert (mask & ~above).sum() > 0.4 * mask.sum()
        above |= mask


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("type_", TYPES)
def test_a_piece_and_its_stones_lie_wholly_in_the_picture(type_: str, style: str) -> None:
    for number, piece in enumerate(pieces_of(type_, style)):
        pose = Pose((-22, 22)[number // 2 % 2], (0, 28)[number % 2], 0.4, 0.5, 0.5, number > 2)
        upper, lower = (in_corner(Scene(piece, pose, PLAIN), towards) for towards in (-1, 1))
        # What an edge cuts off in one corner would be there in the other.
        assert np.array_equal(np.roll(upper.mask, (12, 12), (0, 1)), lower.mask)
        assert upper.mask.sum() > 120
        assert_stones_show(lower)


def test_a_bare_piece_has_no_stone_masks() -> None:
    picture = draw(Scene(pieces_of("ring", "classic")[0], CENTRED, PLAIN))
    assert (picture.stone_masks, picture.stone_boxes) == ((), [])
    assert picture.mask.any()


def test_masks_do_not_depend_on_what_is_round_the_piece() -> None:
    for scene in sampled(12):
        plain, other = (draw(replace(scene, staging=staging)) for staging in (PLAIN, OTHER))
        assert np.array_equal(plain.mask, other.mask)
        assert np.array_equal(plain.stone_masks, other.stone_masks)


def test_masks_depend_on_neither_metal_nor_texture_nor_colour_of_the_stones() -> None:
    piece = Piece("comb", "gold", "red", 3, "drop", "ornate", "polished", 6)
    other = replace(piece, metal="black", stone="white", texture="hammered")
    one, two = (draw(Scene(each, CENTRED, PLAIN)) for each in (piece, other))
    assert np.array_equal(one.mask, two.mask)
    assert np.array_equal(one.stone_masks, two.stone_masks)


def test_masks_grow_with_the_side_of_the_picture() -> None:
    areas = []
    for scene in sampled(20):
        small, large = draw(scene).mask, draw(scene, 128).mask
        assert overlap(small, large.reshape(64, 2, 64, 2).mean(axis=(1, 3)) >= 0.5) >= 0.9
        areas.append(small.mean() / large.mean())
    assert abs(np.mean(areas) - 1) < 0.07


def test_a_mirrored_piece_has_a_mirrored_mask() -> None:
    piece = Piece("teapot", "gold", "none", 0, "none", "classic", "polished", 6)
    scene = Scene(piece, CENTRED, PLAIN)
    mask, mirrored = (
        draw(replace(scene, pose=replace(CENTRED, mirrored=each))).mask for each in (False, True)
    )
    assert overlap(mask, mirrored) < 0.9 < 0.95 < overlap(mask[:, ::-1], mirrored)


def test_the_box_of_a_mask_is_tight() -> None:
    mask = np.zeros((9, 12), np.bool_)
    assert box_of(mask) == (0, 0, 0, 0)
    mask[2, 5] = mask[6, 3] = mask[4, 10] = True
    assert box_of(mask) == (3, 2, 11, 7)


def test_the_box_of_a_picture_holds_all_of_the_piece_and_nothing_else() -> None:
    for picture in map(draw, sampled(20)):
        left, top, right, bottom = picture.box
        inside = picture.mask[top:bottom, left:right]
        assert inside.sum() == picture.mask.sum()
        assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))
