"""Trains the CLIP of the small world from nothing."""

import logging
import time

import torch
from torch.nn import functional
from transformers import CLIPModel

from demo_training import facts, network
from demo_training.batches import Batch, Batches, normalised
from demo_training.heads import FactHeads, PatchHeads
from demo_training.muon import Muon
from demo_training.objectives import matching
from demo_training.pictures import TrainingSet
from demo_training.recipe import Recipe
from demo_training.towers import Towers, gather
from demo_training.vocabulary import Vocabulary

log = logging.getLogger(__name__)

REPORT_EVERY = 100


class Trainer:
    """One training run."""

    def __init__(self, data: TrainingSet, words: Vocabulary, recipe: Recipe) -> None:
        torch.manual_seed(recipe.seed)
        self._recipe = recipe
        self.model = network.build(recipe, words.tokenizer)
        self.model.train()
        first = data.pixels[:400].reshape(-1, *data.pixels.shape[2:])
        network.begin(self.model, normalised(first), recipe)
        self._towers = Towers(self.model, words.tokenizer)
        self._facts, self._patches = FactHeads(recipe), PatchHeads(recipe)
        self._adam, self._muon = _optimisers(self.model, [self._facts, self._patches], recipe)
        self._batches = iter(Batches(data, recipe))

    def run(self) -> CLIPModel:
        """All steps; the trained model."""
        begun = time.monotonic()
        for step in range(self._recipe.steps):
            loss = self._step(step)
            if (step + 1) % REPORT_EVERY == 0:
                log.info("step %d  loss %.3f  %.0f s", step + 1, loss, time.monotonic() - begun)
        module: torch.nn.Module = self.model
        module.eval()
        return self.model

    def _step(self, step: int) -> float:
        for optimiser, full in (
            (self._adam, self._recipe.adam_rate),
            (self._muon, self._recipe.muon_rate),
        ):
            optimiser.zero_grad()
            for group in optimiser.param_groups:
                group["lr"] = full * self._recipe.rate(step)
        loss = self._loss(next(self._batches), short=step < self._recipe.short_steps)
        torch.autograd.backward(loss)
        self._adam.step()
        self._muon.step()
        return loss.item()

    def _loss(self, batch: Batch, *, short: bool) -> torch.Tensor:
        recipe = self._recipe
        shown = _most_telling(batch.coverage, recipe.short_patches) if short else None
        covered = batch.coverage
        if shown is not None:
            covered = gather(covered.flatten(2), shown).view(*shown.shape, 2, -1)
        images, patches = self._towers.images(batch.pixels, shown)
        texts = self._towers.texts(batch.texts)
        return (
            self._pairs(images, texts, batch)
            + recipe.views_weight * self._views(images)
            + recipe.facts_weight * self._facts.loss(images, batch.picture_facts)
            + recipe.patches_weight * self._patches.loss(patches, covered, batch.picture_facts)
        )

    def _pairs(self, images: torch.Tensor, texts: torch.Tensor, batch: Batch) -> torch.Tensor:
        scores = self._towers.scale * images @ texts.T
        true = facts.true_of(batch.picture_facts, batch.text_facts)
        count = len(images)
        own = torch.arange(count)
        to_text = matching(scores, own, true)
        to_image = matching(scores[:, :count].T, own, true[:, :count].T)
        return (to_text + to_image) / 2

    def _views(self, images: torch.Tensor) -> torch.Tensor:
        itself = torch.eye(len(images), dtype=torch.bool)
        scores = (self._towers.scale * images @ images.T).masked_fill(itself, -1e4)
        # Neighbours are views of one piece: 0 and 1, 2 and 3, …
        return functional.cross_entropy(scores, torch.arange(len(images)) ^ 1)


def _most_telling(coverage: torch.Tensor, count: int) -> torch.Tensor:
    """Patches that show the piece first, the rest filled by chance: pictures × count."""
    piece = coverage[:, :, 0].mean(dim=2)
    return (piece.clamp(max=0.3) + torch.rand_like(piece) * 0.1).topk(count, dim=1).indices


def _optimisers(
    model: CLIPModel, heads: list[torch.nn.Module], recipe: Recipe
) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    named = dict(model.named_parameters())
    matrices = {n: p for n, p in named.items() if p.ndim == 2 and "encoder.layers" in n}
    rest = {n: p for n, p in named.items() if n not in matrices}
    kept = [p for n, p in rest.items() if p.ndim < 2 or "embed" in n]
    kept += [parameter for head in heads for parameter in head.parameters()]
    decayed = [p for n, p in rest.items() if p.ndim > 1 and "embed" not in n]
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": kept, "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups, lr=recipe.adam_rate, betas=(0.9, 0.98))
    return adam, Muon(matrices.values(), recipe.muon_rate, recipe.weight_decay)


def train(data: TrainingSet, words: Vocabulary, recipe: Recipe) -> CLIPModel:
    """The trained model, in fp32."""
    return Trainer(data, words, recipe).run()
