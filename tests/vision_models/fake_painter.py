"""A painter without torch, and ways to watch and hold it."""

import threading
from collections.abc import Sequence

import numpy as np

from facetkit.errors import FacetError, Unprocessable
from vision_models.domain import ModelInfo, Pixels
from vision_models.generation_domain import Drawing


class FakePainter:
    """Pictures of random colours by seed and words; passes the same contract as the real one."""

    def __init__(self, native_side: int = 128) -> None:
        self.info = ModelInfo("fake", "1", "fake", 0)
        self.schedulers: tuple[str, ...] = ("pndm", "euler")
        self.native_side = native_side
        self.batches: list[list[int]] = []
        self.steps_taken = 0
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def reads_all(self, text: str) -> bool:
        """Up to twenty words."""
        return len(text.split()) <= 20

    def draw(self, batch: Sequence[Drawing]) -> list[Pixels | FacetError | None]:
        """Waits for the gate before each step; "forbidden" pictures are held back."""
        self.batches.append([drawing.seed for drawing in batch])
        steps = batch[0].sampling.steps
        for step in range(1, steps + 1):
            self.entered.set()
            self.gate.wait(30)
            self.steps_taken += 1
            if all(drawing.abandoned.is_set() for drawing in batch):
                return [None] * len(batch)
            for drawing in batch:
                drawing.advance(step, steps, _picture(drawing, 8, 8) if drawing.previews else None)
        return [_outcome(drawing) for drawing in batch]

    def warm_up(self) -> None:
        """Nothing to warm."""


def _outcome(drawing: Drawing) -> Pixels | FacetError | None:
    if drawing.abandoned.is_set():
        return None
    if drawing.prompt == "forbidden":
        return Unprocessable("the safety checker held the picture back")
    return _picture(drawing, drawing.sampling.width, drawing.sampling.height)


def _picture(drawing: Drawing, width: int, height: int) -> Pixels:
    sampling = drawing.sampling
    told = (
        f"{drawing.prompt}|{drawing.negative_prompt}|{sampling.steps}|{sampling.guidance_scale}"
        f"|{sampling.scheduler}|{sampling.strength}"
    )
    start = int(drawing.start.astype(np.int64).sum()) if drawing.start is not None else 0
    random = np.random.default_rng([drawing.seed, start, *told.encode()])
    return random.integers(0, 255, (height, width, 3), dtype=np.uint8)
