"""Images taken apart: /analyze, /api/segment, /api/detect."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BeforeValidator

from gateway.encoded_images import blaming_image
from gateway.errors import documented
from gateway.json_bodies import read_json
from gateway.request_ids import request_uuid
from gateway.security import ApiKeyGuard
from gateway.vision.analysis_bodies import analyze_body, detect_body, segment_body
from gateway.vision.analysis_json import analyze_json, nested, run_lengths, segment_json
from gateway.vision.analysis_requests import (
    analysis_request,
    detect_request,
    segment_request,
)
from gateway.vision.analysis_schemas import AnalyzeAnswer, DetectAnswer, SegmentAnswer
from gateway.vision.analysis_threads import AnalysisThreads
from gateway.vision.client import VisionClient
from gateway.vision.clip_analysis import analyse
from gateway.vision.detection import MAX_PARTS, cut_out, detected, judged
from gateway.vision.segmentation_client import SegmentationClient
from gateway.vision.side_by_side import both_of

ANALYZE_PATH = "/analyze"
SEGMENT_PATH = "/api/segment"
DETECT_PATH = "/api/detect"
ANALYSIS_PATHS = (ANALYZE_PATH, SEGMENT_PATH, DETECT_PATH)
MAX_MASKS = 64

_JSON = "application/json"
_FORMS = {"nested": nested, "rle": run_lengths}

Asked = TypeVar("Asked")


def _known(form: object) -> object:
    if form not in _FORMS:
        raise ValueError("must be nested or rle")
    return form


MaskFormat = Annotated[
    Literal["nested", "rle"],
    BeforeValidator(_known),
    Query(
        description="`nested`: rows of 0 and 1 at `mask_size`; `rle`: COCO's uncompressed run"
        " lengths in full resolution"
    ),
]


class AnalysisEndpoints:
    """Routes over a VisionClient and a SegmentationClient."""

    def __init__(
        self,
        vision: VisionClient,
        segmentation: SegmentationClient,
        threads: AnalysisThreads,
        guard: ApiKeyGuard,
        *,
        max_body_bytes: int,
        max_image_bytes: int,
    ) -> None:
        self._vision = vision
        self._segmentation = segmentation
        self._threads = threads
        self._max_body_bytes = max_body_bytes
        self._max_image_bytes = max_image_bytes
        self.router = APIRouter(tags=["analysis"], dependencies=[Depends(guard)])
        statuses = documented(400, 401, 413, 415, 422, 429, 501, 503, 504)
        self.router.add_api_route(
            ANALYZE_PATH,
            self.analyze,
            methods=["POST"],
            response_model=AnalyzeAnswer,
            summary="Analyse an image",
            openapi_extra=analyze_body(),
            responses=statuses,
        )
        self.router.add_api_route(
            SEGMENT_PATH,
            self.segment,
            methods=["POST"],
            response_model=SegmentAnswer,
            summary="Cut out what is pointed at",
            openapi_extra=segment_body(),
            responses=statuses,
        )
        self.router.add_api_route(
            DETECT_PATH,
            self.detect,
            methods=["POST"],
            summary="Find the parts of an image by name",
            openapi_extra=detect_body(),
            responses=statuses,
        )

    async def analyze(self, request: Request, mask_format: MaskFormat = "nested") -> Response:
        """The parts of the image (Segment Anything), and what it shows (CLIP).

        `generated_image` is the analysed picture with the masks drawn over it; no diffusion runs.

        Each confidence is 0 to 1 and independent of the other labels: the softmax of the label's
        averaged prompts against the same prompts without a label, at the model's temperature.
        """
        body = await read_json(request, self._max_body_bytes)
        with self._threads.admitted(), blaming_image("image"):
            asked = await self._checked(analysis_request, body)
            segmentation, analysis = await both_of(
                self._segmentation.segment_image(asked.image, MAX_MASKS),
                analyse(self._vision, asked.image, asked.labels),
            )
            answer = await self._threads.run(
                analyze_json,
                request_uuid(),
                asked.image,
                segmentation,
                analysis,
                _FORMS[mask_format],
            )
        return Response(answer, media_type=_JSON)

    async def segment(self, request: Request, mask_format: MaskFormat = "nested") -> Response:
        """What is meant by points, a box or both; the likeliest mask first.

        The image's encoding is kept for a while: further prompts for the same image are fast.
        """
        body = await read_json(request, self._max_body_bytes)
        with self._threads.admitted(), blaming_image("image"):
            asked = await self._checked(segment_request, body)
            segmentation = await self._segmentation.segment_prompt(asked.image, asked.prompt)
            answer = await self._threads.run(
                segment_json, request_uuid(), segmentation, _FORMS[mask_format]
            )
        return Response(answer, media_type=_JSON)

    async def detect(self, request: Request) -> DetectAnswer:
        """The image's parts by name: CLIP judges each of the 32 largest masks by itself.

        A part has the label that fits best, with a confidence as in POST /analyze. Of parts with
        the same label and nearly the same box the best is answered.
        """
        body = await read_json(request, self._max_body_bytes)
        with self._threads.admitted(), blaming_image("image"):
            asked = await self._checked(detect_request, body)
            segmentation = await self._segmentation.segment_image(asked.image, MAX_PARTS)
            cuts = await self._threads.run(cut_out, asked.image, segmentation)
            names = await judged(self._vision, cuts, asked.labels)
        found = detected(segmentation, names, asked.min_confidence)
        return DetectAnswer.of(request_uuid(), segmentation, names, found[: asked.limit])

    async def _checked(
        self, check: Callable[[Mapping[str, Any], int], Asked], body: Mapping[str, Any]
    ) -> Asked:
        return await self._threads.run(check, body, self._max_image_bytes)
