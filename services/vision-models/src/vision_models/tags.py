"""The nouns of a caption."""

import re
import string
import unicodedata
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from threading import Lock

Tagger = Callable[[str], list[tuple[str, str]]]
"""The words of a text, each with its part of speech."""

MAX_TAGS = 10
_NOUNS = frozenset({"NN", "NNS", "NNP", "NNPS"})
_OF_EVERY_PICTURE = frozenset({"image", "photo", "photograph", "picture"})
_STAND_INS = 3
_LOADING = Lock()


def load() -> None:
    """Reads the lexicon, which takes half a second once; callable in any thread."""
    _tagger()


def nouns(caption: str) -> tuple[str, ...]:
    """At most 10 distinct nouns in lower case, in their order; none only without any word.

    Longest words stand in where there is no noun.
    """
    text = _plain(caption)
    tagged = _tagger()(text)
    found = _distinct(_bare(word) for word, part in tagged if part in _NOUNS)
    words = [word for word in found if len(word) > 1 and any(map(str.isalpha, word))]
    telling = [word for word in words if word not in _OF_EVERY_PICTURE]
    return tuple((telling or words or _longest(text.lower()))[:MAX_TAGS])


def _plain(caption: str) -> str:
    """The caption with a space for each character that belongs to no word, like emoji."""
    return "".join(char if _is_text(char) else " " for char in caption)


def _is_text(char: str) -> bool:
    if char.isascii():
        return char.isprintable()
    return unicodedata.category(char)[0] in "LMN"


def _bare(word: str) -> str:
    return word.lower().strip(string.punctuation)


def _longest(text: str) -> list[str]:
    words = _distinct(re.findall(r"[^\W\d_]+", text))
    longest = sorted(words, key=len, reverse=True)[:_STAND_INS]
    return [word for word in words if word in longest]


def _distinct(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _tagger() -> Tagger:
    # Two threads that read the lexicon at once would both see a part of it.
    with _LOADING:
        return _load()


@cache
def _load() -> Tagger:
    with warnings.catch_warnings():
        # textblob leaves the lexicon's file to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        from textblob.en import tag

        tag("a word")
    found: Tagger = tag
    return found
