"""`python -m demo_training make` trains the demo models, `… evaluate` measures them."""

import argparse
import logging
import sys
import time
from pathlib import Path

import torch

from demo_training import clip, evaluation, report
from demo_training.recipe import Recipe
from vision_models import demo
from vision_models.models import clip as clip_embedder
from vision_models.models import clip_zero_shot, device

OUT = Path("var/demo-eval")


def main() -> int:
    """Runs the command; 1 when a figure falls short."""
    parser = argparse.ArgumentParser(prog="demo_training", description=__doc__)
    parser.add_argument("command", choices=("make", "evaluate"))
    parser.add_argument("--threads", type=int, default=clip.default_threads())
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    return {"make": _make, "evaluate": _evaluate}[arguments.command](arguments.threads)


def _make(threads: int) -> int:
    begun = time.monotonic()
    folder = clip.make(Recipe(), threads)
    print(f"{folder}: made in {(time.monotonic() - begun) / 60:.1f} minutes, {threads} threads")
    print(report.sizes(folder))
    return 0


def _evaluate(threads: int) -> int:
    torch.set_num_threads(threads)
    place = device.place("cpu", "fp32")
    embedder = clip_embedder.load(demo.weights_for("embedding", OUT), place)
    zero_shot = clip_zero_shot.load(demo.weights_for("zero-shot", OUT), place)
    figures = evaluation.evaluate(embedder, zero_shot)
    print(report.table(figures))
    OUT.mkdir(parents=True, exist_ok=True)
    print(report.contact_sheet(OUT / "contact-sheet.png"))
    print(report.searches(embedder, OUT / "searches.png"))
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
