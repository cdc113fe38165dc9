import pytest

from vision_models.label_prompts import NEUTRAL, TEMPLATES, prompts


@pytest.mark.parametrize(
    ("label", "spoken"),
    [
        ("ring", "a ring"),
        ("emerald", "an emerald"),
        ("hourglass", "an hourglass"),
        ("unicorn", "a unicorn"),
        ("old man", "an old man"),
        ("one-piece swimsuit", "a one-piece swimsuit"),
        ("earrings", "earrings"),
        ("hoop earrings", "hoop earrings"),
        ("dress", "a dress"),
        ("bus", "a bus"),
        ("gold", "gold"),
        ("gold ring", "a gold ring"),
        ("pair of shoes", "a pair of shoes"),
        ("glass of water", "a glass of water"),
        ("people at a wedding", "people at a wedding"),
        ("people dancing", "people dancing"),
        ("an apple", "an apple"),
        ("the moon", "the moon"),
        ("  gold \n ring ", "a gold ring"),
        ("{noun}", "a {noun}"),
    ],
)
def test_a_label_gets_the_article_that_suits_it(label: str, spoken: str) -> None:
    first, *others = prompts(label)
    assert first == f"a photo of {spoken}."
    assert f"a close-up photo of {spoken}." in others


def test_a_label_is_said_in_several_ways() -> None:
    made = prompts("moon")
    assert len(set(made)) == len(made) == len(TEMPLATES) >= 5
    assert {"a photo of a moon.", "a photo of the moon.", "a photo of moon."} <= set(made)
    assert not any("the the" in prompt for prompt in prompts("the moon"))


def test_the_neutral_prompts_are_the_same_without_a_label() -> None:
    openings = [template.partition(" of ")[0] + "." for template in TEMPLATES]
    assert list(prompts(NEUTRAL)) == openings
