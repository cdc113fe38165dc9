"""Makes the CLIP of the small world: pictures, words, training, files."""

import logging
import os
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import torch

import facet_demo_models
from demo_training import vocabulary
from demo_training.pictures import distinct, render_all
from demo_training.recipe import Recipe
from demo_training.train import train
from demo_training.vocabulary import Vocabulary
from small_world import captions, sampling
from vision_models import clip_layout

log = logging.getLogger(__name__)

WORDED_SCENES = 5000


def make(recipe: Recipe, threads: int) -> Path:
    """Trains the model and writes it into the installed `facet_demo_models`; its folder."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    torch.set_flush_denormal(True)
    words = _vocabulary()
    with tempfile.TemporaryDirectory() as folder:
        log.info("rendering %d pieces", recipe.pieces)
        data = render_all(Path(folder) / "pixels", recipe, processes=threads)
        log.info("%d distinct pictures, %d tokens", distinct(data.pixels), len(words.tokenizer))
        model = train(data, words, recipe)
    found = facet_demo_models.find("embedding")
    if found is None:
        raise LookupError("facet_demo_models has no place for an embedding model")
    # transformers leaves these methods untyped.
    halve: Any = model.half
    clip = clip_layout.Clip(halve(), words.tokenizer, words.merges, recipe.image_size)
    clip_layout.write(found.folder, clip, sentence_transformers=True)
    return found.folder


def _vocabulary() -> Vocabulary:
    random = Random(0)
    scenes = (sampling.scene(sampling.TRAINING, number) for number in range(WORDED_SCENES))
    return vocabulary.build(captions.varied(scene, random).text for scene in scenes)


def default_threads() -> int:
    """As many threads as this process may use."""
    return len(os.sched_getaffinity(0))
