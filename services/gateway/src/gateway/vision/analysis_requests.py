"""JSON bodies of the analysis routes as checked requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.encoded_images import decoded_image
from gateway.json_fields import JsonFields
from gateway.vision.segmentation_domain import Box, Point, Prompt

MAX_POINTS = 64
MIN_CONFIDENCE = 0.5
LIMIT = 20
MAX_DETECTIONS = 100
# Pictures have fewer pixels than that, and single precision takes it.
_FARTHEST = 2.0**31
_POINT_FIELDS = {"x", "y", "excluded"}


@dataclass(frozen=True, slots=True)
class AnalysisRequest:
    """An encoded image, and the labels to judge it by; none: the common objects."""

    image: bytes
    labels: list[str]


@dataclass(frozen=True, slots=True)
class SegmentRequest:
    """An encoded image, and what is meant in it."""

    image: bytes
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class DetectRequest:
    """As AnalysisRequest, with the least confidence, 0 to 1, and the most detections."""

    image: bytes
    labels: list[str]
    min_confidence: float
    limit: int


def analysis_request(body: Mapping[str, Any], max_bytes: int) -> AnalysisRequest:
    """Of POST /analyze. Raises InvalidInput and its kin, naming each bad field."""
    fields = JsonFields(body)
    labels = fields.labels()
    image = _image(fields, max_bytes)
    fields.check()
    return AnalysisRequest(image, labels)


def segment_request(body: Mapping[str, Any], max_bytes: int) -> SegmentRequest:
    """Of POST /api/segment. Raises InvalidInput and its kin, naming each bad field."""
    fields = JsonFields(body)
    image = _image(fields, max_bytes)
    points, box = _points(fields), _box(fields)
    several = body.get("several", False)
    if not isinstance(several, bool):
        fields.blame("several", "must be true or false.")
    if fields.good and box is None and all(point.excluded for point in points):
        fields.blame("points", "must have a point that is not excluded, where there is no 'box'.")
    fields.check()
    return SegmentRequest(image, Prompt(points, box, several is True))


def detect_request(body: Mapping[str, Any], max_bytes: int) -> DetectRequest:
    """Of POST /api/detect. Raises InvalidInput and its kin, naming each bad field."""
    fields = JsonFields(body)
    labels = fields.labels()
    image = _image(fields, max_bytes)
    min_confidence = _number(body.get("min_confidence", MIN_CONFIDENCE))
    if min_confidence is None or not 0 <= min_confidence <= 1:
        fields.blame("min_confidence", "must be a number from 0 to 1.")
    limit = fields.whole("limit", LIMIT, least=1, most=MAX_DETECTIONS)
    fields.check()
    return DetectRequest(image, labels, min_confidence or 0.0, limit)


def _image(fields: JsonFields, max_bytes: int) -> bytes:
    image = b""
    with fields.blaming("image"):
        image = decoded_image(fields.value("image"), "image", max_bytes)
    return image


def _points(fields: JsonFields) -> list[Point]:
    given = fields.value("points") if "points" in fields else []
    if not isinstance(given, list):
        fields.blame("points", "must be a list.")
        return []
    if len(given) > MAX_POINTS:
        fields.blame("points", f"must have at most {MAX_POINTS} points.")
        return []
    points = [_point(value) for value in given]
    for index, point in enumerate(points):
        if point is None:
            fields.blame(
                f"points[{index}]",
                "must have the numbers x and y, and may have excluded: true or false.",
            )
    return [point for point in points if point]


def _point(value: object) -> Point | None:
    if not isinstance(value, dict) or not set(value) <= _POINT_FIELDS:
        return None
    x, y, excluded = _number(value.get("x")), _number(value.get("y")), value.get("excluded", False)
    if x is None or y is None or not isinstance(excluded, bool):
        return None
    return Point(x, y, excluded)


def _box(fields: JsonFields) -> Box | None:
    if "box" not in fields:
        return None
    given = fields.value("box")
    numbers = [_number(value) for value in given] if isinstance(given, list) else []
    match [number for number in numbers[:5] if number is not None]:
        case [left, top, right, bottom] if len(numbers) == 4:
            return left, top, right, bottom
    fields.blame("box", "must be four numbers: left, top, right, bottom.")
    return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Neither NaN nor Infinity is nearer, nor what is too large to be a float.
    return float(value) if abs(value) < _FARTHEST else None
