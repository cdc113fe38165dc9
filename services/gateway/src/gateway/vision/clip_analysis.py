"""What CLIP sees in an image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.vision.client import VisionClient

BEST_CONCEPTS = 10


@dataclass(frozen=True, slots=True)
class ClipAnalysis:
    """Labels, best first, with their confidence of 0 to 1, and name of the model that judged."""

    concepts: list[str]
    confidence_scores: Mapping[str, float]
    model: str


async def analyse(vision: VisionClient, image: bytes, labels: Sequence[str]) -> ClipAnalysis:
    """How well each of `labels` fits; without labels, the 10 best of the common objects."""
    top = 0 if labels else BEST_CONCEPTS
    found = await vision.classify(image, labels, top)
    best_first = sorted(found.scores, key=lambda score: score.confidence, reverse=True)
    return ClipAnalysis(
        concepts=[score.label for score in best_first],
        confidence_scores={score.label: score.confidence for score in best_first},
        model=found.model,
    )
