import re
from itertools import combinations
from random import Random

import pytest

from small_world import attributes, captions, sampling, wording

NEUTRAL = set(
    "a an photo picture of close-up in made with set thing object piece item "
    "stone stones gem gems gemstone gemstones".split()
)
PLURAL = {"stones", "gems", "gemstones", *wording.PLURAL_GEMS.values()}
SCENES = [sampling.scene(sampling.SPLITS[index % 2], index) for index in range(300)]
SAYINGS = (captions.varied, captions.full)
NO_STONES = [scene for scene in SCENES if scene.piece.stone == "none"]


GEMS = {
    stone: (*colours, wording.GEMS[stone], wording.PLURAL_GEMS[stone])
    for stone, colours in wording.STONE_COLOURS.items()
}
PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "kind": wording.KINDS,
    "type": wording.TYPES,
    "metal": {name: (*said, wording.METAL_NOUNS[name]) for name, said in wording.METALS.items()},
    "stone": {**GEMS, "none": wording.BARE},
    "stone_count": {str(count): said for count, said in wording.NUMBERS.items()},
    "stone_shape": wording.SHAPES,
    "style": wording.STYLES,
    "texture": wording.TEXTURES,
    "background": wording.BACKGROUNDS,
}


def says(text: str, phrases: tuple[str, ...]) -> bool:
    return any(f" {phrase} " in f" {text} " for phrase in phrases)


def some_names(random: Random) -> set[str]:
    return {name for name in captions.FACTS if random.random() < 0.4}


def test_every_value_has_words_and_no_word_stands_for_two_values() -> None:
    for name, values in PHRASES.items():
        for (one, some), (other, more) in combinations(values.items(), 2):
            assert not set(some) & set(more), (name, one, other)
    for name in ("type", "metal", "stone", "stone_shape", "style", "texture", "background"):
        assert set(PHRASES[name]) >= set(getattr(attributes, f"{name.upper()}S"))


def test_a_full_caption_names_every_fact_of_the_piece() -> None:
    random = Random(3)
    for scene in SCENES:
        text, known = captions.full(scene, random).text, captions.facts_of(scene)
        unsaid = {"stone_count", "stone_shape"} if scene in NO_STONES else set()
        for name in set(captions.PIECE_FACTS) - unsaid:
            assert says(text, PHRASES[name][str(known[name])]), (name, text)


def test_a_caption_says_all_facts_asked_for_and_no_other() -> None:
    random = Random(4)
    for scene in SCENES:
        names, known = some_names(random), captions.facts_of(scene)
        if "type" in names:
            names.discard("kind")
        if scene.piece.stone == "none" and names & {"stone", "stone_count", "stone_shape"}:
            names = names - {"stone_count", "stone_shape"} | {"stone"}
        caption = captions.naming(scene, names, random)
        assert caption.facts == {name: known[name] for name in names}
        phrases = [PHRASES[name][str(known[name])] for name in names]
        assert all(says(caption.text, each) for each in phrases), caption
        said = {word for each in phrases for phrase in each for word in phrase.split()}
        assert set(caption.text.split()) <= said | NEUTRAL, caption


@pytest.mark.parametrize("name", ["stone", "stone_count", "stone_shape"])
def test_a_bare_piece_is_said_to_have_no_stones_whatever_is_asked_of_them(name: str) -> None:
    random = Random(5)
    for scene in NO_STONES:
        caption = captions.naming(scene, {name, "type", "metal"}, random)
        assert caption.facts["stone"] == "none"
        assert not caption.facts.keys() & {"stone_count", "stone_shape"}
        assert says(caption.text, wording.BARE)
        assert not any(says(caption.text, each) for each in GEMS.values())


def test_stones_are_plural_where_there_are_several() -> None:
    random = Random(6)
    for scene in SCENES:
        if scene.piece.stone != "none":
            last = captions.full(scene, random).text.split()[-1]
            assert (last in PLURAL) == (scene.piece.stone_count > 1), last


def test_articles_and_spaces_are_right() -> None:
    plurals = "|".join((*wording.PLURALS, "jewellery", "jewelry"))
    random = Random(2)
    for text in (say(each, random).text for each in SCENES for say in SAYINGS):
        assert text == " ".join(text.split())
        assert not re.search(r"\b(a [aeiou]|an [^aeiou]|an? an? )", text), text
        thing = re.sub("^a (photo|picture|close-up) of ", "", text)
        assert not re.search(rf"^an? ((?!pair|piece)\S+ )*({plurals})\b", thing), text


@pytest.mark.parametrize(
    ("noun", "said"),
    [
        ("gold earrings", "gold earrings"),
        ("gold pair of earrings", "a gold pair of earrings"),
        ("angular ring", "an angular ring"),
        ("silver jewellery", "silver jewellery"),
        ("ornate piece of jewellery", "an ornate piece of jewellery"),
        ("object for everyday use", "an object for everyday use"),
    ],
)
def test_a_noun_gets_the_article_it_needs(noun: str, said: str) -> None:
    assert captions.with_article(noun) == said


def test_varied_captions_of_one_scene_differ_in_words_and_in_what_they_name() -> None:
    scene = next(scene for scene in SCENES if scene.piece.stone_count == 3)
    said = [captions.varied(scene, Random(seed)) for seed in range(200)]
    assert len({caption.text for caption in said}) > 150
    assert len({frozenset(caption.facts) for caption in said}) > 20
    assert {len(caption.facts) for caption in said} >= {1, 2, 7, 8}


def test_varied_captions_say_only_what_is_true() -> None:
    random = Random(7)
    for scene in SCENES:
        assert captions.varied(scene, random).facts.items() <= captions.facts_of(scene).items()


def test_the_same_chance_gives_the_same_caption() -> None:
    for seed, scene in enumerate(SCENES[:50]):
        assert captions.varied(scene, Random(seed)) == captions.varied(scene, Random(seed))


def test_the_facts_of_a_caption_give_it_back() -> None:
    for seed, scene in enumerate(SCENES[:100]):
        caption = captions.naming(scene, some_names(Random(seed)), Random(seed))
        single = scene.piece.stone_count == 1
        assert captions.of_facts(caption.facts, Random(seed), single=single) == caption


def test_one_stone_is_never_spoken_of_as_several() -> None:
    single = [scene for scene in SCENES if scene.piece.stone_count == 1]
    assert len(single) > 10
    several = {"stones", "gems", "gemstones", *wording.PLURAL_GEMS.values()}
    for seed, scene in enumerate(single * 20):
        assert not several & set(captions.varied(scene, Random(seed)).text.split())


def test_facts_that_no_picture_shows_can_be_said() -> None:
    text = captions.of_facts({"type": "ring", "stone": "red", "stone_count": 6}, Random(1)).text
    assert says(text, wording.NUMBERS[6])
    assert says(text, GEMS["red"])
