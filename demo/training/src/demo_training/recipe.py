"""Every number of the training, so that a run can be repeated."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """Sizes of data and model, and the course of training; lengths in pixels or steps."""

    pieces: int = 26_000
    image_size: int = 96
    patch: int = 16
    cell: int = 4
    """Side of the cells of a patch for which is known how much of them is covered."""
    dimensions: int = 512
    vision_width: int = 160
    vision_layers: int = 4
    vision_heads: int = 5
    text_width: int = 128
    text_layers: int = 2
    text_heads: int = 4
    batch: int = 128
    alike: int = 6
    """So many pieces of a batch share type, metal and stone: only details tell them apart."""
    steps: int = 1850
    warm_up_steps: int = 60
    short_steps: int = 1650
    """So many steps see only `short_patches` patches of each picture, most of them the piece's."""
    short_patches: int = 20
    adam_rate: float = 1.5e-3
    muon_rate: float = 0.02
    weight_decay: float = 0.05
    views_weight: float = 1.0
    facts_weight: float = 3.0
    patches_weight: float = 2.0
    """Of the further objectives, beside 1 for pictures and texts."""
    altered_share: float = 0.25
    """So many captions per picture with one wrong fact, as hard negatives."""
    seed: int = 0

    @property
    def grid(self) -> int:
        """Patches along a side."""
        return self.image_size // self.patch

    def rate(self, step: int) -> float:
        """The part of the full learning rate at a step: up, level, then down to nothing."""
        up = min(1.0, (step + 1) / self.warm_up_steps)
        down = min(1.0, (1 - step / self.steps) / 0.6)
        return up * down
