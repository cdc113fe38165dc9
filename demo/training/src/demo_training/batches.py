"""Batches: both views of some pieces, a caption for each, and captions that are nearly true."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray

from demo_training import facts
from demo_training.network import MEAN, STD
from demo_training.pictures import VIEWS, Pixels, TrainingSet
from demo_training.recipe import Recipe
from small_world import captions
from small_world.attributes import Scene
from small_world.sampling import Combination


@dataclass(frozen=True, slots=True)
class Batch:
    """`pixels` is pictures × 3 × side × side, two neighbours being views of one piece; `coverage`
    is pictures × patches × 2 × cells: how much the piece and its stones cover, 0–1.

    Text i belongs to picture i; further texts belong to none.
    """

    pixels: torch.Tensor
    coverage: torch.Tensor
    picture_facts: torch.Tensor
    texts: list[str]
    text_facts: torch.Tensor


class Batches:
    """Goes through a training set over and over, each time in another order."""

    def __init__(self, data: TrainingSet, recipe: Recipe) -> None:
        self._data = data
        self._recipe = recipe
        self._order = np.random.default_rng(recipe.seed)
        self._random = Random(recipe.seed)
        scenes = [scene for views in data.scenes for scene in views]
        known = facts.numbers([captions.facts_of(scene) for scene in scenes])
        self._facts = torch.from_numpy(known).view(len(data.scenes), VIEWS, -1)

    def __iter__(self) -> Iterator[Batch]:
        """Batches without end."""
        pieces = self._recipe.batch // VIEWS
        while True:
            order = self._in_groups()
            for start in range(0, len(order) - pieces + 1, pieces):
                yield self._batch(np.sort(order[start : start + pieces]))

    def _in_groups(self) -> NDArray[np.int64]:
        """All pieces by chance, `alike` of one combination always together."""
        alike: dict[Combination, list[int]] = defaultdict(list)
        for number in self._order.permutation(len(self._data.scenes)):
            piece = self._data.scenes[number][0].piece
            alike[piece.type, piece.metal, piece.stone].append(int(number))
        size = self._recipe.alike
        groups = [
            numbers[start : start + size]
            for numbers in alike.values()
            for start in range(0, len(numbers), size)
        ]
        order = self._order.permutation(len(groups))
        return np.array([number for group in order for number in groups[group]])

    def _batch(self, numbers: NDArray[np.int64]) -> Batch:
        scenes = [scene for number in numbers for scene in self._data.scenes[number]]
        pixels = normalised(self._data.pixels[numbers].reshape(-1, *self._data.pixels.shape[2:]))
        covered = torch.from_numpy(self._data.coverage[numbers]).flatten(0, 1).float() / 255
        if self._random.random() < 0.5:
            pixels = pixels.flip(3)
            covered = covered.flip(3)
        texts, text_facts = self._captions(scenes)
        known = self._facts[torch.from_numpy(numbers)].flatten(0, 1)
        patches = by_patch(covered, self._recipe.grid)
        return Batch(pixels, patches, known, texts, text_facts)

    def _captions(self, scenes: list[Scene]) -> tuple[list[str], torch.Tensor]:
        told = [captions.varied(scene, self._random) for scene in scenes]
        for scene in scenes[:: round(1 / self._recipe.altered_share)]:
            true = captions.full(scene, self._random).facts
            told.append(captions.of_facts(facts.altered(true, self._random), self._random))
        known = facts.numbers([caption.facts for caption in told])
        return [caption.text for caption in told], torch.from_numpy(known)


def by_patch(coverage: torch.Tensor, grid: int) -> torch.Tensor:
    """Pictures × 2 × side × side cells as pictures × patches × 2 × cells of the patch."""
    cells = coverage.shape[3] // grid
    tiles = coverage.view(-1, 2, grid, cells, grid, cells).permute(0, 2, 4, 1, 3, 5)
    return tiles.reshape(len(coverage), grid * grid, 2, cells * cells)


def normalised(pixels: Pixels) -> torch.Tensor:
    """Images × side × side × 3 of 0–255 as images × 3 × side × side around zero."""
    values = torch.from_numpy(np.array(pixels)).float()
    values.sub_(torch.tensor(MEAN) * 255).mul_(1 / (torch.tensor(STD) * 255))
    return values.permute(0, 3, 1, 2)
