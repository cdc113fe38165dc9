import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from vision_models import tags
from vision_models.tags import MAX_TAGS, nouns


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a gold ring with a small diamond", ("gold", "ring", "diamond")),
        (
            "a pair of gold earrings with pearls on a white background",
            ("pair", "gold", "earrings", "pearls", "background"),
        ),
        ("a black and white photo of a woman wearing a necklace", ("woman", "necklace")),
        ("Two women in red dresses are standing next to a dog.", ("women", "dresses", "dog")),
        ("there is a diamond ring on the finger", ("diamond", "ring", "finger")),
        ("Eiffel Tower in Paris, France", ("eiffel", "tower", "paris", "france")),
        (
            "A dog's collar, blue-eyed cat & 3 birds; a man (smiling)",
            ("dog", "collar", "cat", "birds", "man"),
        ),
        (
            "A dog\N{RIGHT SINGLE QUOTATION MARK}s collar — “vintage” leather…",
            ("dog", "collar", "leather"),
        ),
        ("girl girls Girl", ("girl", "girls")),
        ('the word "love" is written in gold', ("word", "love", "gold")),
        ("a \N{RING}ring\N{RING}, \N{CAT FACE}cat </s>", ("ring", "cat")),
        ("a b\n\nring\tneck\x00", ("ring", "neck")),
        ("кольцо из золота", ("кольцо", "из", "золота")),
        ("金の指輪", ("金の指輪",)),
        ("सोने की अंगूठी", ("सोने", "की", "अंगूठी")),
        ("a cafe\N{COMBINING ACUTE ACCENT}", ("cafe\N{COMBINING ACUTE ACCENT}",)),
    ],
)
def test_nouns_come_in_lower_case_in_their_order(caption: str, expected: tuple[str, ...]) -> None:
    assert nouns(caption) == expected


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a photo of a cat", ("cat",)),
        ("an image of a photograph", ("image", "photograph")),
        ("a picture", ("picture",)),
    ],
)
def test_what_every_picture_is_does_not_count_beside_others(
    caption: str, expected: tuple[str, ...]
) -> None:
    assert nouns(caption) == expected


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("very quickly running away", ("very", "quickly", "running")),
        ("blue", ("blue",)),
        ("and, of: the", ("and", "of", "the")),
        ("X", ("x",)),
    ],
)
def test_longest_words_stand_in_where_there_is_no_noun(
    caption: str, expected: tuple[str, ...]
) -> None:
    assert nouns(caption) == expected


@pytest.mark.parametrize(
    "caption", ["", "  \n", "...", "12 + 34", "\N{CAT FACE} \N{CAT FACE}", "\ud800"]
)
def test_without_a_word_there_is_no_tag(caption: str) -> None:
    assert nouns(caption) == ()


def test_there_are_at_most_ten() -> None:
    gems = "rubies opals beads charms stones crystals chains links pearls rings coins bells".split()
    assert nouns(", ".join(gems)) == tuple(gems[:MAX_TAGS])


def test_a_long_caption_has_tags_too() -> None:
    caption = "a gold ring with a small diamond and a pearl, " * 44
    assert len(caption) > 2000
    assert nouns(caption) == ("gold", "ring", "diamond", "pearl")
    assert nouns("x" * 2000) == ("x" * 2000,)


_IN_MANY_THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from vision_models import tags
assert "textblob" not in sys.modules
with ThreadPoolExecutor(8) as threads:
    found = set(threads.map(tags.nouns, ["there is a black dog standing beside it"] * 32))
print(found)
"""


def test_the_lexicon_is_loaded_on_first_use_once_and_whole() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _IN_MANY_THREADS], capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("{('dog',)}\n", "")


def test_loading_again_changes_nothing() -> None:
    tags.load()
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(nouns, ["a cat", "a dog"])) == [("cat",), ("dog",)]
