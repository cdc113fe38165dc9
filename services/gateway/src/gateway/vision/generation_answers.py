"""Pictures that were made, as POST /generate answers them."""

from collections.abc import Sequence

import structlog

from facetkit import deadlines
from facetkit.errors import FacetError, kind_of
from gateway.request_ids import request_uuid
from gateway.vision.client import VisionClient
from gateway.vision.clip_analysis import analyse
from gateway.vision.generation_domain import Generated
from gateway.vision.generation_requests import GenerationRequest
from gateway.vision.generation_schemas import GenerateAnswer, GeneratedAnalysis

log = structlog.get_logger(__name__)

_MAX_ANALYSIS_S = 60.0
_ANSWERING_S = 5.0


async def generate_answer(
    vision: VisionClient, asked: GenerationRequest, made: Generated
) -> GenerateAnswer:
    """The answer, with what CLIP sees in the first picture; why it cannot tell, where it fails."""
    analysis = await _analysis(vision, made.images[0].png, asked.labels)
    return GenerateAnswer.of(request_uuid(), asked.parameters, made, analysis)


async def _analysis(vision: VisionClient, image: bytes, labels: Sequence[str]) -> GeneratedAnalysis:
    # A picture that took minutes is not lost because something else fails.
    try:
        async with deadlines.within(_time_s()):
            seen = await analyse(vision, image, labels)
            return GeneratedAnalysis(
                concepts=seen.concepts, confidence_scores=dict(seen.confidence_scores)
            )
    except FacetError as error:
        log.warning("a picture is not analysed", code=kind_of(error).code, error=error.message)
        return GeneratedAnalysis(concepts=[], confidence_scores={}, error=error.message)


def _time_s() -> float:
    """What the request's deadline leaves, less the time to answer."""
    left = deadlines.remaining_s()
    return _MAX_ANALYSIS_S if left is None else min(_MAX_ANALYSIS_S, left - _ANSWERING_S)
