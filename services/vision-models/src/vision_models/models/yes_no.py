"""Yes against no, read from the scores of the first token of the answer."""

from collections.abc import Iterable
from typing import Any

import torch

YES = ("yes", "Yes", " yes", " Yes")
NO = ("no", "No", " no", " No")


class YesNo:
    """The tokens by which an answer begins, for one tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        yes, no = _first_tokens(tokenizer, YES), _first_tokens(tokenizer, NO)
        # A tokenizer may part the space from the word: such a token says neither.
        self._yes, self._no = sorted(yes - no), sorted(no - yes)

    def probability(self, scores: torch.Tensor) -> list[float]:
        """The probability of yes, 0 to 1, per row of scores over the vocabulary."""
        best = [scores[:, tokens].amax(dim=1) for tokens in (self._yes, self._no)]
        result: list[float] = torch.stack(best, dim=1).softmax(dim=1)[:, 0].tolist()
        return result


def _first_tokens(tokenizer: Any, words: Iterable[str]) -> set[int]:
    return {tokenizer(word, add_special_tokens=False).input_ids[0] for word in words}
