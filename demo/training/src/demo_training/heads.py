"""Linear heads that read facts off vectors and patches; they end with the training."""

import torch
from torch import nn
from torch.nn import functional

from demo_training.facts import COLUMNS, VALUES
from demo_training.recipe import Recipe

COVERAGE_WEIGHT = 6.0
SHARPNESS = 10.0
"""What unit vectors are multiplied by before a head reads them."""

OF_PIECE = ("type", "metal", "style", "texture")
OF_STONES = ("stone", "stone_shape")
OF_REST = ("background",)
PIECE_FROM, STONES_FROM, REST_UP_TO = 0.2, 0.08, 0.05
"""How much of a patch must be covered to ask it about the piece, its stones, or what is behind."""


class FactHeads(nn.Module):
    """Every fact, asked of the whole picture's vector."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self._heads = nn.ModuleList(nn.Linear(recipe.dimensions, len(v)) for v in VALUES.values())

    def loss(self, vectors: torch.Tensor, facts: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy over all facts; `facts` is pictures × facts."""
        losses = [
            functional.cross_entropy(head(vectors * SHARPNESS), facts[:, COLUMNS[name]])
            for name, head in zip(VALUES, self._heads, strict=True)
        ]
        return torch.stack(losses).mean()


class PatchHeads(nn.Module):
    """What each patch shows (token labelling: Jiang et al., 2021), known from the exact masks."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self._names = OF_PIECE + OF_STONES + OF_REST
        width = recipe.vision_width
        self._heads = nn.ModuleList(nn.Linear(width, len(VALUES[name])) for name in self._names)
        self._coverage = nn.Linear(width, 2 * (recipe.patch // recipe.cell) ** 2)

    def loss(
        self, patches: torch.Tensor, coverage: torch.Tensor, facts: torch.Tensor
    ) -> torch.Tensor:
        """Mean loss over all questions; `patches` is pictures × patches × width, `coverage`
        pictures × patches × 2 × cells."""
        seen = functional.binary_cross_entropy_with_logits(
            self._coverage(patches), coverage.flatten(2)
        )
        piece, stones = coverage.mean(dim=3).unbind(dim=2)
        where = {name: piece > PIECE_FROM for name in OF_PIECE}
        where |= {name: stones > STONES_FROM for name in OF_STONES}
        where |= {name: piece < REST_UP_TO for name in OF_REST}
        losses = [seen * COVERAGE_WEIGHT]
        for name, head in zip(self._names, self._heads, strict=True):
            answers = facts[:, COLUMNS[name], None].expand(patches.shape[:2])
            asked = where[name]
            losses.append(functional.cross_entropy(head(patches[asked]), answers[asked]))
        return torch.stack(losses).mean()
