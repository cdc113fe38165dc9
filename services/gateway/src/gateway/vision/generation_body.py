"""The request body of POST /generate for OpenAPI, with examples that can be sent as they are."""

from typing import Any

from gateway.json_fields import MAX_LABEL_CHARS, MAX_LABELS
from gateway.vision.generation_requests import (
    GUIDANCE_SCALE,
    MAX_COUNT,
    MAX_GUIDANCE_SCALE,
    MAX_SEED,
    MAX_SIDE,
    MAX_STEPS,
    MAX_TEXT_CHARS,
    MIN_SIDE,
    SIDE,
    SIDE_STEP,
    STEPS,
    STRENGTH,
)

_EXAMPLES = {
    "small": {
        "summary": "A picture",
        "value": {"prompt": "a gold ring with a red stone", "labels": "ring, necklace, bracelet"},
    },
    "all": {
        "summary": "Two pictures, with more said",
        "value": {
            "prompt": "A futuristic cityscape at sunset",
            "labels": "city, sunset, futuristic",
            "samples": 50,
            "cfg": 8.0,
            "height": 512,
            "width": 768,
            "negative_prompt": "people",
            "seed": 7,
            "count": 2,
        },
    },
}


def generate_body() -> dict[str, Any]:
    """A request body in JSON."""
    schema = {
        "title": "GenerateRequest",
        "type": "object",
        "required": ["prompt"],
        "properties": {**_seeded(), **_additional()},
    }
    content = {"application/json": {"schema": schema, "examples": _EXAMPLES}}
    return {"requestBody": {"required": True, "content": content}}


def _seeded() -> dict[str, Any]:
    return {
        "prompt": _text("What the picture shows", minLength=1, maxLength=MAX_TEXT_CHARS),
        "labels": _text(
            "Comma list that CLIP judges the picture by: at most"
            f" {MAX_LABELS:,} labels of {MAX_LABEL_CHARS} characters; without one, common objects"
        ),
        "samples": _whole("Inference steps", STEPS, 1, MAX_STEPS),
        "cfg": {
            "type": "number",
            "description": "How closely the prompt is followed",
            "default": GUIDANCE_SCALE,
            "exclusiveMinimum": 0,
            "maximum": MAX_GUIDANCE_SCALE,
        },
        "height": _side(),
        "width": _side(),
    }


def _additional() -> dict[str, Any]:
    return {
        "negative_prompt": _text("What it should not show", maxLength=MAX_TEXT_CHARS),
        "seed": {
            "type": "integer",
            "description": "Of the first picture; a random one where it is missing",
            "minimum": 0,
            "maximum": MAX_SEED,
        },
        "count": _whole("How many pictures", 1, 1, MAX_COUNT),
        "scheduler": _text("One that the model has; a wrong name is answered with the right ones"),
        "init_image": _text(
            "A picture to start from: JPEG, PNG or WebP in base64, with or without a `data:`"
            " prefix, at most 24 MiB"
        ),
        "strength": {
            "type": "number",
            "description": "How much of `init_image` is drawn anew",
            "default": STRENGTH,
            "exclusiveMinimum": 0,
            "maximum": 1,
        },
    }


def _side() -> dict[str, Any]:
    told = f"In pixels, a multiple of {SIDE_STEP}"
    return {**_whole(told, SIDE, MIN_SIDE, MAX_SIDE), "multipleOf": SIDE_STEP}


def _whole(description: str, default: int, least: int, most: int) -> dict[str, Any]:
    return {
        "type": "integer",
        "description": description,
        "default": default,
        "minimum": least,
        "maximum": most,
    }


def _text(description: str, **limits: int) -> dict[str, Any]:
    return {"type": "string", "description": description, **limits}
