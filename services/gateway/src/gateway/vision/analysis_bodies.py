"""Request bodies of the analysis routes for OpenAPI, with examples that can be sent as they are."""

from typing import Any

from gateway.json_fields import MAX_LABEL_CHARS, MAX_LABELS
from gateway.vision.analysis_requests import (
    LIMIT,
    MAX_DETECTIONS,
    MAX_POINTS,
    MIN_CONFIDENCE,
)

# A ring with a stone, 64 × 48 pixels.
_RING = (
    "iVBORw0KGgoAAAANSUhEUgAAAEAAAAAwAgMAAADcJZSMAAAACVBMVEXr5tzUoCjIHjIN+Fz4AAAAwklEQVR42rWSMQ7C"
    "MAxFX9qwMHWgzN25RI5QCXE07oBUhk7MOQp7GTKwNVIYElJXokKqIINtff1v+1uBP77tJRVFys27KFM+c7CSUUAzl+S3"
    "HijhORt7HJrb/j4xFC5QCcmO8cpGAIahAyOaBksvpig8+NikAND0EKxeXqwKAE5NDJ/DgsQ4gID57YG+AbaKFu2yROcQ"
    "gWgrWvws8bSgjM9AQIPGCYkytKkCoDYA3cR4AIxij3hT6aWHYGfj69P6L/0CKFAqSmnapMQAAAAASUVORK5CYII="
)
_IMAGE = {
    "type": "string",
    "description": "JPEG, PNG or WebP in base64, with or without a `data:` prefix; at most 24 MiB"
    " and 64 megapixels",
}
_LABELS = {
    "type": "string",
    "description": f"Comma list of at most {MAX_LABELS:,} labels of {MAX_LABEL_CHARS} characters;"
    " without one, the common objects",
}
_POINT = {
    "type": "object",
    "required": ["x", "y"],
    "properties": {
        "x": {"type": "number"},
        "y": {"type": "number"},
        "excluded": {
            "type": "boolean",
            "default": False,
            "description": "Whether it lies outside of what is meant",
        },
    },
}


def analyze_body() -> dict[str, Any]:
    """The body of POST /analyze."""
    example = {"image": _RING, "labels": "ring, necklace, gold"}
    return _body("AnalyzeRequest", {"image": _IMAGE, "labels": _LABELS}, example)


def segment_body() -> dict[str, Any]:
    """The body of POST /api/segment."""
    points = {
        "type": "array",
        "items": _POINT,
        "maxItems": MAX_POINTS,
        "description": "In pixels from the upper left corner, after EXIF rotation; one that is not"
        " excluded, or a box, is required",
    }
    box = {
        "type": "array",
        "items": {"type": "number"},
        "minItems": 4,
        "maxItems": 4,
        "description": "Left, top, right, bottom in pixels: what is meant lies within",
    }
    several = {
        "type": "boolean",
        "default": False,
        "description": "Three masks for what is meant (a whole, a part, a part of that) instead of"
        " the best one",
    }
    fields = {"image": _IMAGE, "points": points, "box": box, "several": several}
    example = {"image": _RING, "points": [{"x": 32, "y": 10}]}
    return _body("SegmentRequest", fields, example)


def detect_body() -> dict[str, Any]:
    """The body of POST /api/detect."""
    min_confidence = {"type": "number", "minimum": 0, "maximum": 1, "default": MIN_CONFIDENCE}
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_DETECTIONS, "default": LIMIT}
    fields = {
        "image": _IMAGE,
        "labels": _LABELS,
        "min_confidence": {**min_confidence, "description": "Less likely parts are left out"},
        "limit": {**limit, "description": "The most detections"},
    }
    return _body("DetectRequest", fields, {"image": _RING, "labels": "ring, stone"})


def _body(title: str, fields: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    schema = {"title": title, "type": "object", "required": ["image"], "properties": fields}
    content = {"application/json": {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": content}}
