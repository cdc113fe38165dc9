"""Muon for the matrices of transformer layers (Jordan et al., 2024), in full precision.

torch's own orthogonalises in bf16, which many processors only emulate: 30 times slower there.
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch.optim import Optimizer

MOMENTUM = 0.95
ITERATIONS = 5
_A, _B, _C = 3.4445, -4.7750, 2.0315


class Muon(Optimizer):
    """Momentum whose update is made orthogonal by a Newton–Schulz iteration."""

    def __init__(self, matrices: Iterable[torch.Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every matrix that has a gradient; `closure` is not called."""
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[torch.Tensor]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    rows, columns = matrix.shape
                    alike[min(rows, columns), max(rows, columns)].append(matrix)
            for matrices in alike.values():
                self._update(matrices, group["lr"], group["weight_decay"])

    def _update(self, matrices: list[torch.Tensor], rate: float, decay: float) -> None:
        wide = [_wide(self._momentum(matrix)) for matrix in matrices]
        for matrix, update in zip(matrices, orthogonalised(torch.stack(wide)), strict=True):
            rows, columns = matrix.shape
            upright = update.T if rows > columns else update
            matrix.mul_(1 - rate * decay)
            matrix.add_(upright, alpha=-rate * max(1.0, rows / columns) ** 0.5)

    def _momentum(self, matrix: torch.Tensor) -> torch.Tensor:
        gradient = matrix.grad
        assert gradient is not None
        state = self.state[matrix]
        running = state.setdefault("running", torch.zeros_like(matrix))
        running.lerp_(gradient, 1 - MOMENTUM)
        ahead: torch.Tensor = gradient.lerp(running, MOMENTUM)
        return ahead


def orthogonalised(matrices: torch.Tensor) -> torch.Tensor:
    """count × rows × columns (rows ≤ columns): each with its singular values brought near 1."""
    near = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        square = near @ near.mT
        near = _A * near + (_B * square + _C * square @ square) @ near
    orthogonal: torch.Tensor = near
    return orthogonal


def _wide(matrix: torch.Tensor) -> torch.Tensor:
    return matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
