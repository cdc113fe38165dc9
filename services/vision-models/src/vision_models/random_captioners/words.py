"""The few words that random captioners know, and how tokenizers spell all others."""

from collections.abc import Iterable, Sequence
from typing import Any

WORDS = tuple(
    (
        "a the one two three and or of on in with under near beside over behind at is are lies "
        "stands holds shows wears hangs rests shines gold silver copper bronze red green blue "
        "white black grey pink purple yellow orange brown small large round square thin wide old "
        "new bright dark soft smooth wooden ring necklace bracelet earring pendant chain brooch "
        "watch crown pearl diamond ruby emerald sapphire stone crystal gem bead clasp hand finger "
        "neck woman man child dog cat bird horse fish flower rose leaf tree grass forest river "
        "lake sea beach sand sky cloud sun moon star mountain hill road street house door window "
        "wall roof garden table chair lamp book box bag cup bowl plate glass bottle spoon knife "
        "key coin button ribbon cloth velvet dress shirt hat shoe car boat train bicycle"
    ).split()
)
"""What captions consist of; most are nouns."""

READ_WORDS = tuple("image picture photo what this these shows describe sentence answer".split())
"""What prompts are made of besides."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"


def joined(words: Iterable[str], space: str) -> tuple[list[str], list[Any]]:
    """The tokens and merged pairs by which BPE makes one token of `space` and each word.

    Every merge begins at the space, so that no word is torn by the merges of another.
    """
    merges: dict[str, tuple[str, str]] = {}
    for word in words:
        for end in range(len(word)):
            merges.setdefault(space + word[: end + 1], (space + word[:end], word[end]))
    return list(merges), list(merges.values())


def numbered(*parts: Sequence[str]) -> dict[str, int]:
    """The vocabulary of these tokens in this order; of equal ones the first counts."""
    tokens = dict.fromkeys(token for part in parts for token in part)
    return {token: number for number, token in enumerate(tokens)}
