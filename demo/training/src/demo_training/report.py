"""What people look at: the table of figures, sizes on disk, sheets of pictures."""

from pathlib import Path

import numpy as np

from demo_training import evaluation
from demo_training.evaluation import Figure
from small_world import sampling
from small_world.render import render
from small_world.sheet import contact_sheet as joined
from vision_models.domain import Embedder

SHEET_SIDE = 160
HITS = 6
SEARCHED = 300
FIRST_SEARCHED = 1_000_000
QUERIES = (
    "a gold ring with a red stone",
    "silver earrings with blue stones",
    "a rose gold necklace with five white stones",
    "a black bracelet without stones",
    "a silver teapot on wood",
    "a golden key with emeralds",
    "a crown",
    "something with sapphires on marble",
)


def table(figures: list[Figure]) -> str:
    """The figures as a Markdown table."""
    rows = ["| held-out combinations | measured | needed | of |", "|---|---|---|---|"]
    for figure in figures:
        short = "" if figure.reached else " (short)"
        row = (figure.name, f"{figure.value:.3f}{short}", f"{figure.needed:.2f}", figure.counted)
        rows.append("| " + " | ".join(map(str, row)) + " |")
    return "\n".join(rows)


def sizes(folder: Path) -> str:
    """Every file below a folder with its size in bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{path.stat().st_size:>10,}  {path.relative_to(folder)}" for path in files]
    total = sum(path.stat().st_size for path in files)
    return "\n".join([*lines, f"{total:>10,}  in all"])


def contact_sheet(file: Path) -> Path:
    """The first held-out pictures side by side."""
    scenes = [sampling.scene(sampling.HELD_OUT, number) for number in range(96)]
    joined([render(scene, SHEET_SIDE).image for scene in scenes], columns=12).save(file)
    return file


def searches(embedder: Embedder, file: Path) -> Path:
    """One row per query of QUERIES: its best hits among training's and held-out pictures."""
    splits = (sampling.TRAINING, sampling.HELD_OUT)
    scenes = [
        sampling.scene(split, FIRST_SEARCHED + n) for split in splits for n in range(SEARCHED)
    ]
    vectors = evaluation.image_vectors(embedder, scenes)
    scores = embedder.embed_texts(list(QUERIES)) @ vectors.T
    best = np.argsort(-scores, axis=1)[:, :HITS]
    images = [render(scenes[number], SHEET_SIDE).image for row in best for number in row]
    joined(images, columns=HITS).save(file)
    return file
