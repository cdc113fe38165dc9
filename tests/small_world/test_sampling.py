import json
from collections.abc import Iterable
from dataclasses import asdict
from itertools import product

import numpy as np
import pytest

from small_world import sampling
from small_world.attributes import (
    BACKGROUNDS,
    CLUTTERS,
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
from small_world.sampling import HELD_OUT, SPLITS, TRAINING

EVERY = set(product(TYPES, METALS, STONES))


def pieces(split: str, number: int) -> list[Piece]:
    return [sampling.piece(split, index) for index in range(number)]


def scenes(number: int) -> list[Scene]:
    return [sampling.scene(SPLITS[index % 2], index) for index in range(number)]


def combinations_of(some: Iterable[Piece]) -> set[sampling.Combination]:
    return {(piece.type, piece.metal, piece.stone) for piece in some}


def test_both_splits_together_are_all_combinations_and_share_none() -> None:
    training, held_out = map(sampling.combinations, (TRAINING, HELD_OUT))
    assert len(EVERY) == 480
    assert len(held_out) == 96
    assert sorted(training + held_out) == sorted(EVERY)


@pytest.mark.parametrize(("first", "second"), [(0, 1), (0, 2), (1, 2)])
def test_training_shows_every_pair_of_type_metal_and_stone(first: int, second: int) -> None:
    shown = {(each[first], each[second]) for each in sampling.combinations(TRAINING)}
    assert shown == {(each[first], each[second]) for each in EVERY}


def test_held_out_combinations_never_appear_in_training() -> None:
    shown = combinations_of(pieces(TRAINING, 800))
    assert not shown & set(sampling.combinations(HELD_OUT))


def test_held_out_pieces_show_all_held_out_combinations_and_no_other() -> None:
    assert combinations_of(pieces(HELD_OUT, 1500)) == set(sampling.combinations(HELD_OUT))


@pytest.mark.parametrize("split", SPLITS)
def test_jewellery_is_seen_about_as_often_as_its_share_says(split: str) -> None:
    seen = np.mean([piece.type in JEWELLERY for piece in pieces(split, 600)])
    assert abs(seen - sampling.JEWELLERY_SHARE) < 0.06


@pytest.mark.parametrize("type_", TYPES)
def test_a_piece_has_stones_of_a_shape_or_none_of_no_shape(type_: str) -> None:
    random = np.random.default_rng(3)
    for metal, stone in product(METALS, STONES):
        piece = sampling.of_combination((type_, metal, stone), random)
        assert (piece.type, piece.metal, piece.stone) == (type_, metal, stone)
        if stone == "none":
            assert (piece.stone_count, piece.stone_shape) == (0, "none")
        else:
            counts = PAIR_STONE_COUNTS if type_ == "earrings" else STONE_COUNTS
            assert piece.stone_count in counts
            assert piece.stone_shape in STONE_SHAPES


def test_a_pair_of_earrings_has_as_many_stones_on_each() -> None:
    counts = {piece.stone_count for piece in pieces(TRAINING, 400) if piece.type == "earrings"}
    assert counts == {0, *PAIR_STONE_COUNTS}
    assert all(count % 2 == 0 for count in counts)


def test_every_value_of_a_piece_is_seen() -> None:
    seen = pieces(TRAINING, 600)
    assert {piece.type for piece in seen} == set(TYPES)
    assert {piece.style for piece in seen} == set(STYLES)
    assert {piece.texture for piece in seen} == set(TEXTURES)
    assert {piece.stone_shape for piece in seen} == {"none", *STONE_SHAPES}
    assert {p.stone_count for p in seen if p.type != "earrings"} == {0, *STONE_COUNTS}


def test_every_value_of_a_staging_is_seen() -> None:
    seen = [scene.staging for scene in scenes(300)]
    assert {staging.background for staging in seen} == set(BACKGROUNDS)
    assert {staging.light for staging in seen} == set(LIGHTS)
    assert {staging.shadow for staging in seen} == set(SHADOWS)
    assert {staging.clutter for staging in seen} == set(CLUTTERS)


def test_a_pose_never_reaches_beyond_the_picture() -> None:
    random = np.random.default_rng(5)
    for _ in range(1000):
        pose = sampling.pose(random)
        assert max(abs(pose.x - 0.5), abs(pose.y - 0.5)) + pose.scale <= 0.5 + 1e-9


def test_the_same_numbers_give_the_same_scene() -> None:
    assert sampling.scene(TRAINING, 7, view=2, seed=3) == sampling.scene(
        TRAINING, 7, view=2, seed=3
    )


def test_views_show_one_piece_in_different_poses_and_stagings() -> None:
    views = [sampling.scene(TRAINING, 7, view) for view in range(20)]
    assert {view.piece for view in views} == {sampling.piece(TRAINING, 7)}
    assert len({view.pose for view in views}) == 20
    assert len({view.staging for view in views}) == 20


def test_another_seed_gives_other_pieces() -> None:
    assert not {sampling.piece(TRAINING, i, seed=1) for i in range(50)} & set(pieces(TRAINING, 50))


def test_attributes_survive_json() -> None:
    for scene in scenes(20):
        back = json.loads(json.dumps(scene.attributes()))
        assert back["piece"] == asdict(scene.piece)
        assert Scene(Piece(**back["piece"]), Pose(**back["pose"]), Staging(**back["staging"])) == (
            scene
        )
