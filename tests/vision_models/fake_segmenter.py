"""A segmenter without a network or torch, and ways to watch and hold it."""

import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vision_models.domain import ModelInfo, Pixels
from vision_models.segmentation_domain import (
    Bits,
    Candidate,
    Encoding,
    Mask,
    PointedPicture,
    PromptedPicture,
)

TOLERANCES = (16, 48, 96)


class FakeSegmenter:
    """Pixels of like colour belong together; passes the same contract suite as the real one."""

    def __init__(self, image_size: int = 64, points_per_batch: int = 16) -> None:
        self.info = ModelInfo("fake-segmenter", "1", "fake", 0)
        self.image_size = image_size
        self.points_per_batch = points_per_batch
        self.encoded = 0
        self.asked: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def encode(self, pictures: Sequence[Pixels]) -> list[Encoding]:
        """Waits for the gate; the features are the pixels."""
        self._enter()
        self.encoded += len(pictures)
        return [
            Encoding(pixels.astype(int), pixels.shape[1], pixels.shape[0]) for pixels in pictures
        ]

    def propose(self, batch: Sequence[PointedPicture]) -> list[list[Candidate]]:
        """Waits for the gate; what has the colour of each point."""
        self._enter()
        self.asked += [len(pointed.points) for pointed in batch]
        return [_proposed(pointed) for pointed in batch]

    def distinct(self, encoding: Encoding, candidates: Sequence[Candidate]) -> list[Mask]:
        """Each once."""
        once = {candidate.runs.tobytes(): candidate for candidate in candidates}
        return [_unpacked(candidate, encoding) for candidate in once.values()]

    def segment(self, batch: Sequence[PromptedPicture]) -> list[list[Mask]]:
        """Waits for the gate; what is like the first point, or the middle of the box."""
        self._enter()
        return [_segmented(prompted) for prompted in batch]

    def warm_up(self) -> None:
        """Nothing to warm."""

    def _enter(self) -> None:
        self.entered.set()
        self.gate.wait(30)


def _alike(encoding: Encoding, x: float, y: float, tolerance: int) -> Bits:
    column = min(int(x), encoding.width - 1)
    row = min(int(y), encoding.height - 1)
    apart: npt.NDArray[np.int64] = abs(encoding.features - encoding.features[row, column])
    bits: Bits = apart.max(axis=2) <= tolerance
    return bits


def _proposed(pointed: PointedPicture) -> list[Candidate]:
    encoding = pointed.encoding
    places = pointed.points * (encoding.width, encoding.height)
    return [_candidate(_alike(encoding, x, y, TOLERANCES[0])) for x, y in places]


def _candidate(bits: Bits) -> Candidate:
    by_column = bits.T.reshape(-1)
    ends = np.flatnonzero(np.diff(by_column, prepend=False, append=not by_column[-1]))
    rows, columns = np.flatnonzero(bits.any(axis=1)), np.flatnonzero(bits.any(axis=0))
    box = (float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1]))
    return Candidate(np.diff(ends, prepend=0).astype(np.int32), box, 0.9, 0.97)


def _unpacked(candidate: Candidate, encoding: Encoding) -> Mask:
    values = np.arange(len(candidate.runs)) % 2 == 1
    by_column = np.repeat(values, candidate.runs).reshape(encoding.width, encoding.height)
    return Mask(by_column.T, candidate.predicted_iou, candidate.stability)


def _segmented(prompted: PromptedPicture) -> list[Mask]:
    encoding, prompt = prompted.encoding, prompted.prompt
    left, top, right, bottom = prompt.box or (0, 0, encoding.width, encoding.height)
    meant = [(point.x, point.y) for point in prompt.points if not point.excluded]
    x, y = meant[0] if meant else ((left + right) / 2, (top + bottom) / 2)
    within = np.zeros((encoding.height, encoding.width), bool)
    within[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))] = True
    for point in prompt.points:
        if point.excluded:
            within &= ~_alike(encoding, point.x, point.y, TOLERANCES[0])
    return [
        Mask(_alike(encoding, x, y, tolerance) & within, 0.95 - tolerance / 400, 0.9)
        for tolerance in TOLERANCES
    ]
