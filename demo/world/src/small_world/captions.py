"""What a picture shows, in varied wording, and which facts each wording names."""

from dataclasses import dataclass
from random import Random

from small_world import wording
from small_world.attributes import JEWELLERY, Scene

Fact = str | int
Facts = dict[str, Fact]

PIECE_FACTS = (
    "type",
    "metal",
    "stone",
    "stone_count",
    "stone_shape",
    "style",
    "texture",
)
FACTS = ("kind", *PIECE_FACTS, "background")
_STONE_FACTS = frozenset({"stone", "stone_count", "stone_shape"})


@dataclass(frozen=True, slots=True)
class Caption:
    """A text, and the facts that a picture must share for the text to be true of it."""

    text: str
    facts: Facts


def facts_of(scene: Scene) -> Facts:
    """Every fact of a scene that a caption can name."""
    piece = scene.piece
    facts: Facts = {name: getattr(piece, name) for name in PIECE_FACTS}
    facts["kind"] = "jewellery" if piece.type in JEWELLERY else "everyday"
    facts["background"] = scene.staging.background
    return facts


def full(scene: Scene, random: Random) -> Caption:
    """A caption that names everything about the piece, and nothing of what is round it."""
    return naming(scene, set(PIECE_FACTS), random)


def varied(scene: Scene, random: Random) -> Caption:
    """A caption that names much or little, as people do."""
    chance = random.random()
    if chance < 0.3:
        return full(scene, random)
    if chance < 0.45:
        return naming(scene, {*PIECE_FACTS, "background"}, random)
    if chance < 0.7:
        names = {name for name in PIECE_FACTS if random.random() < 0.5}
        return naming(scene, {*names, "type" if random.random() < 0.8 else "kind"}, random)
    few = random.sample(("type", "metal", "stone", "kind", "background"), random.choice((1, 2)))
    return naming(scene, set(few), random)


def naming(scene: Scene, names: set[str], random: Random) -> Caption:
    """A caption that names these facts; `type` leaves `kind` unsaid."""
    known = facts_of(scene)
    names = names - {"kind"} if "type" in names else names
    if scene.piece.stone == "none" and names & _STONE_FACTS:
        names = names - _STONE_FACTS | {"stone"}
    facts = {name: known[name] for name in FACTS if name in names}
    return of_facts(facts, random, single=scene.piece.stone_count == 1)


def of_facts(facts: Facts, random: Random, *, single: bool = False) -> Caption:
    """A caption that says these facts, whether or not a picture of them exists.

    `single` keeps it from speaking of stones where there is one and their count is not said.
    """
    return Caption(_sentence(facts, random, single), facts)


def _sentence(facts: Facts, random: Random, single: bool) -> str:
    adjectives = [
        _pick(words[str(facts[name])], random)
        for name, words in (("style", wording.STYLES), ("texture", wording.TEXTURES))
        if name in facts
    ]
    noun = _noun(facts, random)
    after = ""
    if "metal" in facts:
        if random.random() < 0.75:
            adjectives.append(_pick(wording.METALS[str(facts["metal"])], random))
        else:
            metal = wording.METAL_NOUNS[str(facts["metal"])]
            after = f" {_pick(('in', 'made of', 'of'), random)} {metal}"
    subject = with_article(" ".join([*adjectives, noun])) + after
    words = [_pick(wording.OPENINGS, random) + subject, *_stones(facts, random, single)]
    if "background" in facts:
        words.append(_pick(wording.BACKGROUNDS[str(facts["background"])], random))
    return " ".join(words)


def _noun(facts: Facts, random: Random) -> str:
    if "type" in facts:
        return _pick(wording.TYPES[str(facts["type"])], random)
    if "kind" in facts:
        return _pick(wording.KINDS[str(facts["kind"])], random)
    return _pick(("thing", "object", "piece", "item"), random)


def _stones(facts: Facts, random: Random, single: bool) -> list[str]:
    if not facts.keys() & _STONE_FACTS:
        return []
    if facts.get("stone") == "none":
        return [_pick(wording.BARE, random)]
    count = int(facts.get("stone_count", 0))
    words = [_pick(("with", "with", "set with"), random)]
    if not count and single:
        return [*words, with_article(" ".join(_described(facts, 1, random)))]
    if count:
        words.append(_pick(wording.NUMBERS[count], random))
    described = _described(facts, count, random)
    if words[-1] == "a":
        return [*words[:-1], with_article(" ".join(described))]
    return words + described


def _described(facts: Facts, count: int, random: Random) -> list[str]:
    gems = _gems(str(facts.get("stone", "")), count, random)
    if "stone_shape" in facts:
        return [_pick(wording.SHAPES[str(facts["stone_shape"])], random), gems]
    return [gems]


def _gems(stone: str, count: int, random: Random) -> str:
    if stone and random.random() < 0.3:
        return (wording.GEMS if count == 1 else wording.PLURAL_GEMS)[stone]
    noun = _pick(("stone", "stone", "gem", "gemstone"), random) + ("" if count == 1 else "s")
    return f"{_pick(wording.STONE_COLOURS[stone], random)} {noun}" if stone else noun


def with_article(noun: str) -> str:
    """A or an before a noun; nothing before plurals and jewellery as such."""
    if noun.split()[-1] in wording.PLURALS and " of " not in f" {noun} ":
        return noun
    if noun.split()[-1] in ("jewellery", "jewelry") and "piece" not in noun:
        return noun
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def _pick(words: tuple[str, ...], random: Random) -> str:
    return words[int(random.random() * len(words))]
