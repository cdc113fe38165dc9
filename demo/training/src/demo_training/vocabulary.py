"""A CLIP vocabulary in which every word of the small world is one token."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tokenizers import pre_tokenizers
from transformers import CLIPTokenizer

BOS, EOS = "<|startoftext|>", "<|endoftext|>"
MAX_TOKENS = 77
_END = "</w>"

Word = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A tokenizer and the merges it was made of."""

    tokenizer: CLIPTokenizer
    merges: list[tuple[str, str]]


def build(texts: Iterable[str]) -> Vocabulary:
    """A byte-level tokenizer whose merges end when each word of `texts` is one token.

    The libraries' trainers break ties by chance; this one gives the same on every machine.
    """
    words = {word for text in texts for word in re.findall("[a-z]+", text.lower())}
    merges = _merges(sorted(words))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    single = [*alphabet, *(letter + _END for letter in alphabet)]
    tokens = dict.fromkeys([*single, *("".join(pair) for pair in merges), BOS, EOS])
    vocab = {token: number for number, token in enumerate(tokens)}
    # transformers takes pairs, and declares strings.
    pairs: Any = merges
    tokenizer = CLIPTokenizer(vocab=vocab, merges=pairs, model_max_length=MAX_TOKENS)
    return Vocabulary(tokenizer, merges)


def _merges(words: list[str]) -> list[tuple[str, str]]:
    spelled: list[Word] = [(*word[:-1], word[-1] + _END) for word in words]
    merges = []
    while pairs := Counter(pair for word in spelled for pair in pairwise(word)):
        most = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(most)
        spelled = [_merged(word, most) for word in spelled]
    return merges


def _merged(word: Word, pair: tuple[str, str]) -> Word:
    parts: list[str] = []
    for part in word:
        if parts and (parts[-1], part) == pair:
            parts[-1] += part
        else:
            parts.append(part)
    return tuple(parts)
