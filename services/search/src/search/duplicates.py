"""Which images show the same: the tier of a pair, and groups round one representative each."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from search.domain import Fingerprint, Tier
from search.perceptual import aligned_difference, difference

ALL_TIERS = frozenset(Tier)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a pair must reach: at least this `cosine`, at most these differences of thumbnails.

    Calibrated on the small world with the CLIP trained on it alone (`make bench-duplicates`);
    another model wants another `cosine`.
    """

    cosine: float = 0.90
    picture: float = 0.30
    near: float = 0.36


CALIBRATED = Thresholds()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images, by id, that show the same; `score` is their cosine."""

    first: str
    second: str
    tier: Tier
    score: float
    same_pixels: bool


_Link = tuple[str, Pair]
"""The other image, and the closest of the pairs with it."""


@dataclass(frozen=True, slots=True)
class KeyedImage:
    """An image and its object keys, at least one."""

    id: str
    keys: Sequence[str]


@dataclass(frozen=True, slots=True)
class Member:
    """A key of an image; of Tier.BYTES: a further key of an image that is in the group anyway."""

    id: str
    key: str
    tier: Tier
    score: float
    same_pixels: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A star: each member is alike to the image `id` itself; `key` is that image's first."""

    id: str
    key: str
    members: list[Member]


def same_pixels(a: Fingerprint, b: Fingerprint) -> bool:
    """Whether the upright pictures are the same to the last bit."""
    return a.pixels == b.pixels


def tier_of(
    a: Fingerprint, b: Fingerprint, cosine: float, thresholds: Thresholds = CALIBRATED
) -> Tier | None:
    """PICTURE, NEAR or None, of images that differ in their bytes; the same either way round.

    A few milliseconds of CPU for pictures that are alike, well below one for others.
    """
    if same_pixels(a, b):
        return Tier.PICTURE
    if cosine < thresholds.cosine:
        return None
    if difference(a.perceptual, b.perceptual) <= thresholds.picture:
        return Tier.PICTURE
    if aligned_difference(a.perceptual, b.perceptual) <= thresholds.near:
        return Tier.NEAR
    return None


def stars(
    images: Iterable[KeyedImage], pairs: Iterable[Pair], tiers: Collection[Tier] = ALL_TIERS
) -> list[Group]:
    """Groups that never chain, in the order of `images`, which come best to keep first.

    The first image that is in no group takes all such images that pair with it directly, in
    `tiers`. With Tier.BYTES further keys are members too, and make a group by themselves.
    Members are most alike first, then in the order of `images`; further keys follow their first.
    """
    ordered = {image.id: _counted(image, tiers) for image in images}
    links = _links(pair for pair in pairs if pair.tier in tiers)
    free = {image_id: place for place, image_id in enumerate(ordered)}
    groups = []
    for image in ordered.values():
        if free.pop(image.id, None) is None:
            continue
        near = [link for link in links.get(image.id, ()) if link[0] in free]
        near.sort(key=lambda link: (*_likeness(link[1]), free[link[0]]))
        members = _further_keys(image)
        for other, pair in near:
            del free[other]
            members += _members(ordered[other], pair)
        if members:
            groups.append(Group(image.id, image.keys[0], members))
    return groups


def _counted(image: KeyedImage, tiers: Collection[Tier]) -> KeyedImage:
    return image if Tier.BYTES in tiers else KeyedImage(image.id, image.keys[:1])


def _links(pairs: Iterable[Pair]) -> Mapping[str, Sequence[_Link]]:
    """By image all that it pairs with directly."""
    closest: dict[tuple[str, str], Pair] = {}
    for pair in pairs:
        ends = (min(pair.first, pair.second), max(pair.first, pair.second))
        if ends not in closest or _likeness(pair) < _likeness(closest[ends]):
            closest[ends] = pair
    links: defaultdict[str, list[_Link]] = defaultdict(list)
    for (one, other), pair in closest.items():
        links[one].append((other, pair))
        links[other].append((one, pair))
    return links


def _likeness(pair: Pair) -> tuple[Tier, bool, float]:
    return pair.tier, not pair.same_pixels, -pair.score


def _members(image: KeyedImage, pair: Pair) -> list[Member]:
    first = Member(image.id, image.keys[0], pair.tier, pair.score, pair.same_pixels)
    return [first, *_further_keys(image)]


def _further_keys(image: KeyedImage) -> list[Member]:
    return [Member(image.id, key, Tier.BYTES, 1.0, True) for key in image.keys[1:]]
