"""Random weights that make captions of words, and other captions of other pictures."""

from collections.abc import Iterable
from typing import Any

import torch

SPREAD = 0.25
"""Standard deviation of matrices at widths of 32 and 64."""

FAINT = 0.05
"""How loud tokens are that captions do not consist of."""


def draw(model: torch.nn.Module, spread: float = SPREAD) -> None:
    """Draws every matrix, equal on every machine, and sets every bias to zero.

    The libraries' own initial weights are so small, or zero, that no picture would matter.
    """
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, spread, generator=generator)
            elif name.endswith("bias"):
                parameter.zero_()


def favour(head: torch.nn.Parameter, tokenizer: Any, tokens: Iterable[str]) -> None:
    """Makes an output layer say these tokens alone: the scores of all others stay near zero."""
    others = torch.ones(head.shape[0], dtype=torch.bool)
    others[tokenizer.convert_tokens_to_ids(list(tokens))] = False
    with torch.no_grad():
        # Of rows of unequal lengths the longest would win wherever one looks.
        head.div_(head.norm(dim=1, keepdim=True))
        head[others] *= FAINT
