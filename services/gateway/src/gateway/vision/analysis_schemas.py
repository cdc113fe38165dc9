"""Answers of the analysis routes."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from gateway.vision.client import Classification
from gateway.vision.clip_schemas import ClipAnalysisAnswer
from gateway.vision.detection import Detection
from gateway.vision.segmentation_domain import Mask, Segmentation

Ring = list[tuple[float, float]]

_REQUEST_ID = Field(description="A UUID: the request's own id, where that is one")
_BOX = Field(
    description="Left, top, right, bottom in pixels of the whole picture; the last two lie outside",
    examples=[[100.0, 150.0, 300.0, 400.0]],
)
_AREA = Field(description="Pixels of the mask")
_IOU = Field(description="How good the model thinks the mask is, 0 to 1")
_STABILITY = Field(description="How little the mask changes with the threshold, 0 to 1")
_MASK_SIZE = Field(
    description="Height and width of nested masks: the picture's, or reduced to at most 256 on the"
    " longer side"
)
_WIDTH = Field(description="Of the picture in pixels, after EXIF rotation")
_HEIGHT = Field(description="Of the picture in pixels, after EXIF rotation")
_MODEL_SET = Field(description="`demo`, `demo-random` (random weights, no sense) or `full`")


class RunLengthsAnswer(BaseModel):
    """A mask at the picture's full resolution, in COCO's uncompressed form."""

    size: tuple[int, int] = Field(description="Height and width")
    counts: list[int] = Field(
        description="Run lengths, column by column, of 0 and 1 in turn, beginning with 0"
    )


class PartAnswer(BaseModel):
    """What is known of a mask."""

    area: int = _AREA
    box: tuple[float, float, float, float] = _BOX
    predicted_iou: float = _IOU
    stability: float = _STABILITY

    @classmethod
    def of(cls, mask: Mask) -> "PartAnswer":
        """`mask` as the routes answer it."""
        return cls(
            area=mask.area,
            box=mask.box,
            predicted_iou=mask.predicted_iou,
            stability=mask.stability,
        )


class MasksAnswer(BaseModel):
    """Masks, and what belongs to each in the same order."""

    masks: list[list[list[int]]] | list[RunLengthsAnswer] = Field(
        description="Rows of 0 and 1 at `mask_size`; with `mask_format=rle`, run lengths",
        examples=[[[[0, 0, 1, 1], [1, 0, 1, 1]]]],
    )
    polygons: list[Ring] = Field(
        description="Of each mask the outer ring of its largest piece: x and y in pixels of the"
        " whole picture, after EXIF rotation",
        examples=[[[(100, 150), (300, 400), (250, 350)]]],
    )
    holes: list[list[Ring]] = Field(description="Of each mask the rings of the holes in that piece")
    segments: list[PartAnswer]


class AnalysisModels(BaseModel):
    """Names of the models."""

    segmentation: str = Field(examples=["sam-vit-l"])
    analysis: str | None = Field(
        description="null where there was nothing to judge", examples=["clip-ViT-L-14"]
    )


class AnalyzeAnswer(BaseModel):
    """A picture taken apart, and what CLIP sees in it."""

    request_id: str = _REQUEST_ID
    generated_image: str = Field(
        description="Base64 PNG of the analysed picture with the masks drawn over it, its longer"
        " side at most 1,024 pixels. No diffusion runs"
    )
    clip_analysis: ClipAnalysisAnswer
    top_concepts: list[str] = Field(description="The 10 best labels, best first")
    basic_segmentation: MasksAnswer
    mask_size: tuple[int, int] = _MASK_SIZE
    width: int = _WIDTH
    height: int = _HEIGHT
    models: AnalysisModels
    model_set: str = _MODEL_SET


class SegmentAnswer(MasksAnswer):
    """What was pointed at, the likeliest first."""

    request_id: str = _REQUEST_ID
    mask_size: tuple[int, int] = _MASK_SIZE
    width: int = _WIDTH
    height: int = _HEIGHT
    encoding_reused: bool = Field(
        description="Whether the picture was known, so that only the prompt had to be computed"
    )
    model: str = Field(examples=["sam-vit-l"])
    model_set: str = _MODEL_SET


class DetectionAnswer(BaseModel):
    """A part of the picture with its name."""

    label: str = Field(examples=["ring"])
    confidence: float = Field(description="0 to 1, as in `clip_analysis` of POST /analyze")
    box: tuple[float, float, float, float] = _BOX
    area: int = _AREA
    predicted_iou: float = _IOU
    stability: float = _STABILITY

    @classmethod
    def of(cls, detection: Detection) -> "DetectionAnswer":
        """`detection` as the route answers it."""
        part, score = PartAnswer.of(detection.mask), detection.score
        return cls(**part.model_dump(), label=score.label, confidence=score.confidence)


class DetectAnswer(BaseModel):
    """Named parts, best first."""

    request_id: str = _REQUEST_ID
    detections: list[DetectionAnswer]
    width: int = _WIDTH
    height: int = _HEIGHT
    models: AnalysisModels
    model_set: str = _MODEL_SET

    @classmethod
    def of(
        cls,
        request_id: str,
        segmentation: Segmentation,
        names: Sequence[Classification],
        found: Sequence[Detection],
    ) -> "DetectAnswer":
        """What was `found` among the masks that `names` belong to, as the route answers it."""
        analysis = names[0].model if names else None
        return cls(
            request_id=request_id,
            detections=[DetectionAnswer.of(detection) for detection in found],
            width=segmentation.width,
            height=segmentation.height,
            models=AnalysisModels(segmentation=segmentation.model, analysis=analysis),
            model_set=segmentation.model_set,
        )
