"""What training asks of the vectors."""

import torch
from torch.nn import functional


def matching(scores: torch.Tensor, own: torch.Tensor, also_true: torch.Tensor) -> torch.Tensor:
    """InfoNCE (van den Oord et al., 2018) of rows against columns.

    `scores` is rows × columns, `own` the column that belongs to each row; other columns in
    `also_true` (boolean, of the same shape) are neither asked for nor held against the row.
    """
    ignored = also_true.clone()
    ignored[torch.arange(len(own)), own] = False
    return functional.cross_entropy(scores.masked_fill(ignored, -1e4), own)
