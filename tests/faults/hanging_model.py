"""vision-models with an embedder that hangs on one text, and a mesh that runs it."""

import asyncio
import dataclasses
import sys
import threading
from collections.abc import Sequence

from mesh.__main__ import run
from mesh.process import Process
from mesh.processes import mesh_processes
from mesh.settings import read_environment, read_settings
from vision_models.bootstrap import Implementations, serve
from vision_models.domain import Vectors
from vision_models.models import clip
from vision_models.models.device import Placement
from vision_models.models.weights import Weights
from vision_models.settings import Settings

MAGIC_TEXT = "hang now"


class HangingEmbedder(clip.ClipEmbedder):
    """Never returns from MAGIC_TEXT."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        if MAGIC_TEXT in texts:
            threading.Event().wait()
        return super().embed_texts(texts)


def load(weights: Weights, placement: Placement) -> clip.ClipEmbedder:
    """The real embedder, turned into one that can hang."""
    embedder = clip.load(weights, placement)
    embedder.__class__ = HangingEmbedder
    return embedder


def run_mesh() -> int:
    """The mesh, with this module in the place of vision-models."""
    settings = read_settings()
    processes = [_replaced(process) for process in mesh_processes(settings, read_environment())]
    return asyncio.run(run(settings, processes))


def _replaced(process: Process) -> Process:
    if process.name != "vision-models":
        return process
    argv = (sys.executable, "-m", "tests.faults.hanging_model", "vision_models")
    return dataclasses.replace(process, argv=argv)


if __name__ == "__main__":
    if sys.argv[1:] == ["vision_models"]:
        embedders = {"sentence-transformers": "tests.faults.hanging_model:load"}
        asyncio.run(serve(Settings(), Implementations(embedders=embedders)))
    else:
        sys.exit(run_mesh())
