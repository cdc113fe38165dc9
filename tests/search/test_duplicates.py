"""Tiers of pairs, and groups round one representative."""

import random
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from search import perceptual
from search.domain import Fingerprint, Tier
from search.duplicates import (
    Group,
    KeyedImage,
    Member,
    Pair,
    Thresholds,
    same_pixels,
    stars,
    tier_of,
)
from small_world import sampling
from small_world.attributes import Scene
from small_world.render import render

ALIKE = 0.95
"""A cosine that rules nothing out."""
SIDE = 192
SEEDS = range(4)


@cache
def drawn(scene: Scene) -> Image.Image:
    return render(scene, SIDE, oversampling=2).image


def a_scene(seed: int) -> Scene:
    """One with stones."""
    scenes = (sampling.scene(sampling.TRAINING, 20 * seed + each) for each in range(20))
    return next(scene for scene in scenes if scene.piece.stone_count)


def prints_of(image: Image.Image, name: str = "") -> Fingerprint:
    """A fingerprint whose pixels are like those of equal `name` alone."""
    size = (perceptual.SIDE, perceptual.SIDE)
    thumbnail = np.asarray(image.resize(size, Image.Resampling.BOX))
    return Fingerprint(name, perceptual.pack(thumbnail))


def tier(image: Image.Image, other: Image.Image, cosine: float = ALIKE) -> Tier | None:
    a, b = prints_of(image, "one"), prints_of(other, "other")
    found = tier_of(a, b, cosine)
    assert tier_of(b, a, cosine) is found
    return found


def cropped(image: Image.Image, lost: int) -> Image.Image:
    return image.crop((lost // 3, lost // 2, image.width - lost * 2 // 3, image.height - lost // 2))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", [(96, 96), (144, 144), (400, 300)])
def test_another_size_is_the_same_picture(seed: int, size: tuple[int, int]) -> None:
    image = drawn(a_scene(seed))
    assert tier(image, image.resize(size, Image.Resampling.LANCZOS)) is Tier.PICTURE


@pytest.mark.parametrize("seed", SEEDS)
def test_a_crop_and_another_exposure_are_near(seed: int) -> None:
    image = drawn(a_scene(seed))
    assert tier(image, cropped(image, SIDE // 20)) is Tier.NEAR
    assert tier(image, ImageEnhance.Brightness(image).enhance(0.85)) is Tier.NEAR
    assert tier(image, ImageEnhance.Contrast(image).enhance(0.7)) is Tier.NEAR


@pytest.mark.parametrize("seed", SEEDS)
def test_what_shows_too_little_is_never_near(seed: int) -> None:
    scene = a_scene(seed)
    staging = replace(scene.staging, background="white", clutter="none", shadow="none")
    tiny = drawn(replace(scene, pose=replace(scene.pose, scale=0.1), staging=staging))
    assert tier(tiny, tiny) is Tier.PICTURE
    assert tier(tiny, ImageEnhance.Brightness(tiny).enhance(0.85), cosine=1.0) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_another_stone_or_metal_is_another_picture(seed: int) -> None:
    scene = a_scene(seed)
    stone = "blue" if scene.piece.stone != "blue" else "red"
    metal = "black" if scene.piece.metal != "black" else "silver"
    for piece in (replace(scene.piece, stone=stone), replace(scene.piece, metal=metal)):
        assert tier(drawn(scene), drawn(replace(scene, piece=piece)), cosine=1.0) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_mirrored_and_other_pictures_are_apart(seed: int) -> None:
    image = drawn(a_scene(seed))
    mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert tier(image, mirrored, cosine=1.0) is None
    assert tier(image, drawn(a_scene(seed + 10)), cosine=1.0) is None


def test_a_low_cosine_rules_out_all_but_the_same_pixels() -> None:
    image = drawn(a_scene(0))
    assert tier(image, image, cosine=0.5) is None
    one, other = prints_of(image, "same"), prints_of(drawn(a_scene(1)), "same")
    assert same_pixels(one, other)
    assert tier_of(one, other, cosine=0.5) is Tier.PICTURE


def test_thresholds_are_inclusive_and_can_be_given() -> None:
    image = drawn(a_scene(0))
    one, other = prints_of(image, "one"), prints_of(cropped(image, SIDE // 20), "other")
    apart = perceptual.aligned_difference(one.perceptual, other.perceptual)
    assert perceptual.aligned_difference(other.perceptual, one.perceptual) == apart
    exact = Thresholds(cosine=ALIKE, picture=0.0, near=apart)
    assert tier_of(one, other, ALIKE, exact) is Tier.NEAR
    assert tier_of(one, other, ALIKE, replace(exact, near=np.nextafter(apart, 0))) is None
    assert tier_of(one, other, float(np.nextafter(ALIKE, 0)), exact) is None


def test_flat_pictures_compare_without_warnings() -> None:
    white, grey = (Image.new("RGB", (50, 50), colour) for colour in ("white", "grey"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tier(white, white) is Tier.PICTURE
        assert tier(white, grey) is None
        assert tier(white, drawn(a_scene(0))) is None


@pytest.mark.parametrize("cut", [b"", b"\x01", b"\x02"])
def test_fingerprints_of_different_versions_never_agree(cut: bytes) -> None:
    image = drawn(a_scene(0))
    current = prints_of(image, "one")
    other = Fingerprint("other", cut + current.perceptual[1:])
    expected = Tier.PICTURE if cut == current.perceptual[:1] else None
    assert tier_of(current, other, 1.0) is expected
    assert tier_of(other, current, 1.0) is expected
    assert tier_of(other, replace(current, pixels="other"), 1.0) is Tier.PICTURE


def test_two_of_another_version_do_not_agree_by_sight() -> None:
    old = prints_of(drawn(a_scene(0)), "one").perceptual[:-1]
    assert tier_of(Fingerprint("a", old), Fingerprint("b", old), 1.0) is None


def keyed(*names: str) -> list[KeyedImage]:
    """Images with these ids, and one key each."""
    return [KeyedImage(name, [f"{name}.jpg"]) for name in names]


def pair(ends: str, kind: Tier = Tier.PICTURE, score: float = 0.99) -> Pair:
    """Two images whose ids are one letter each."""
    return Pair(ends[0], ends[1], kind, score, same_pixels=False)


def shape(groups: Sequence[Group]) -> list[str]:
    """Each group as the letters of its images, the representative first."""
    return [group.id + "".join(member.id for member in group.members) for group in groups]


def test_a_chain_is_cut() -> None:
    assert shape(stars(keyed("a", "b", "c"), [pair("ab"), pair("bc")])) == ["ab"]
    assert shape(stars(keyed("b", "a", "c"), [pair("ab"), pair("bc")])) == ["bac"]
    chain = [pair("ab"), pair("bc"), pair("cd"), pair("de")]
    assert shape(stars(keyed(*"abcde"), chain)) == ["ab", "cd"]
    assert shape(stars(keyed(*"cabde"), chain)) == ["cbd"]


def test_an_image_is_in_one_group_even_where_it_is_closer_to_another() -> None:
    pairs = [pair("ac", Tier.NEAR, 0.91), pair("bc", Tier.PICTURE, 1.0), pair("bd")]
    assert shape(stars(keyed(*"abcd"), pairs)) == ["ac", "bd"]


def test_groups_are_in_the_order_of_the_images() -> None:
    pairs = [pair("ab"), pair("cd"), pair("ef")]
    assert shape(stars(keyed(*"fdbace"), pairs)) == ["fe", "dc", "ba"]


def test_members_are_most_alike_first_and_ties_keep_the_order_of_the_images() -> None:
    pairs = [
        pair("af", Tier.NEAR, 0.99),
        pair("ae", Tier.PICTURE, 0.95),
        pair("ad", Tier.PICTURE, 0.97),
        pair("ac", Tier.PICTURE, 0.95),
        Pair("b", "a", Tier.PICTURE, 0.9, same_pixels=True),
    ]
    assert shape(stars(keyed(*"aecbdf"), pairs)) == ["abdecf"]
    assert shape(stars(keyed(*"acebdf"), pairs)) == ["abdcef"]


def test_only_wanted_tiers_count() -> None:
    images = [KeyedImage("a", ["a.jpg", "a2.jpg"]), *keyed("b", "c")]
    pairs = [pair("ab", Tier.PICTURE), pair("ac", Tier.NEAR)]
    assert shape(stars(images, pairs)) == ["aabc"]
    assert shape(stars(images, pairs, {Tier.BYTES})) == ["aa"]
    assert shape(stars(images, pairs, {Tier.PICTURE})) == ["ab"]
    assert shape(stars(images, pairs, {Tier.NEAR})) == ["ac"]
    assert shape(stars(images, pairs, {Tier.PICTURE, Tier.NEAR})) == ["abc"]
    assert stars(images, pairs, set()) == []


def test_several_keys_are_a_group_by_themselves() -> None:
    images = [KeyedImage("a", ["x/a.jpg", "y/a.jpg", "z/a.jpg"]), *keyed("b")]
    members = [Member("a", key, Tier.BYTES, 1.0, True) for key in ("y/a.jpg", "z/a.jpg")]
    assert stars(images, []) == [Group("a", "x/a.jpg", members)]


def test_further_keys_of_members_follow_their_first() -> None:
    images = [*keyed("a"), KeyedImage("b", ["b.jpg", "b2.jpg"]), KeyedImage("c", ["c.jpg"])]
    pairs = [pair("ab", Tier.PICTURE, 0.98), pair("ca", Tier.PICTURE, 0.99)]
    assert stars(images, pairs)[0].members == [
        Member("c", "c.jpg", Tier.PICTURE, 0.99, False),
        Member("b", "b.jpg", Tier.PICTURE, 0.98, False),
        Member("b", "b2.jpg", Tier.BYTES, 1.0, True),
    ]
    assert [each.key for each in stars(images, pairs, {Tier.PICTURE})[0].members] == [
        "c.jpg",
        "b.jpg",
    ]


def test_single_images_make_no_group() -> None:
    assert stars(keyed("a", "b"), []) == []
    assert stars([], [pair("ab")]) == []


def test_pairs_with_itself_and_with_unknown_images_are_passed_over() -> None:
    assert stars(keyed("a", "b"), [pair("aa"), pair("ax"), pair("xb")]) == []


def test_of_repeated_pairs_the_closest_counts_once() -> None:
    pairs = [pair("ab", Tier.NEAR, 0.99), pair("ba", Tier.PICTURE), pair("ab", Tier.PICTURE, 0.9)]
    assert stars(keyed("a", "b"), pairs)[0].members == [
        Member("b", "b.jpg", Tier.PICTURE, 0.99, False)
    ]


def test_the_order_of_pairs_and_of_their_ends_does_not_matter() -> None:
    draw = random.Random(0)
    images, pairs = drawn_by_chance(draw, images=200, pairs=300)
    expected = stars(images, pairs)
    for _ in range(5):
        draw.shuffle(pairs)
        turned = [replace(each, first=each.second, second=each.first) for each in pairs]
        assert stars(images, [draw.choice(both) for both in zip(pairs, turned, strict=True)]) == (
            expected
        )


@pytest.mark.parametrize(("count", "links"), [(30, 20), (30, 60), (30, 400), (20_000, 20_000)])
def test_stars_by_their_definition(count: int, links: int) -> None:
    images, pairs = drawn_by_chance(random.Random(count + links), images=count, pairs=links)
    direct = {frozenset((each.first, each.second)) for each in pairs}
    centres = {image.id: image.id for image in images}
    for group in stars(images, pairs):
        for member in group.members:
            assert frozenset((group.id, member.id)) in direct
            assert centres[member.id] == member.id, "in two groups"
            centres[member.id] = group.id
    places = {image.id: place for place, image in enumerate(images)}
    for one, other in (sorted(ends, key=places.__getitem__) for ends in direct):
        # Free when its turn came, `one` took `other`, or found it taken by an earlier one.
        if centres[one] == one:
            assert places[centres[other]] <= places[one]


def drawn_by_chance(
    draw: random.Random, *, images: int, pairs: int
) -> tuple[list[KeyedImage], list[Pair]]:
    """Distinct pairs among some images."""
    names = [f"{number:06}" for number in range(images)]
    draw.shuffle(names)
    ends: set[tuple[str, str]] = set()
    while len(ends) < min(pairs, images * (images - 1) // 2):
        one, other = draw.choice(names), draw.choice(names)
        if one < other:
            ends.add((one, other))
    kinds = (Tier.PICTURE, Tier.NEAR)
    links = [
        Pair(*each, draw.choice(kinds), draw.choice((0.9, 0.95, 1.0)), draw.random() < 0.1)
        for each in sorted(ends)
    ]
    return [KeyedImage(name, [name]) for name in names], links
