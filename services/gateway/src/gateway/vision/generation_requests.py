"""What POST /generate asks for, with its limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.encoded_images import decoded_image
from gateway.json_fields import JsonFields
from gateway.vision.generation_domain import GenerationParameters

MAX_TEXT_CHARS = 2000
MAX_STEPS = 150
MAX_GUIDANCE_SCALE = 30
MIN_SIDE, MAX_SIDE, SIDE_STEP = 64, 1024, 8
MAX_SEED = 2**32 - 1
MAX_COUNT = 4

STEPS = 30
GUIDANCE_SCALE = 7.5
SIDE = 512
STRENGTH = 0.8

_MAX_SCHEDULER_CHARS = 100


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A checked request: the pictures, and the labels that CLIP shall judge."""

    parameters: GenerationParameters
    labels: list[str]


def generation_request(body: Mapping[str, Any], max_image_bytes: int) -> GenerationRequest:
    """`body` checked.

    Raises InvalidInput naming every bad field, or its own kind where all that is wrong is the
    initial image.
    """
    fields = JsonFields(body)
    # Where several fields are bad the first one read gives the message.
    prompt = fields.required_text("prompt", max_chars=MAX_TEXT_CHARS)
    labels = fields.labels()
    parameters = GenerationParameters(
        prompt=prompt,
        steps=fields.positive_whole("samples", STEPS, most=MAX_STEPS),
        guidance_scale=fields.positive("cfg", GUIDANCE_SCALE, most=MAX_GUIDANCE_SCALE),
        height=_side(fields, "height"),
        width=_side(fields, "width"),
        negative_prompt=fields.text("negative_prompt", max_chars=MAX_TEXT_CHARS),
        seed=_seed(fields),
        count=fields.whole("count", 1, least=1, most=MAX_COUNT),
        scheduler=fields.text("scheduler", max_chars=_MAX_SCHEDULER_CHARS),
        init_image=_init_image(fields, max_image_bytes),
        strength=fields.positive("strength", STRENGTH, most=1),
    )
    fields.check()
    return GenerationRequest(parameters, labels)


def _side(fields: JsonFields, field: str) -> int:
    return fields.positive_whole(field, SIDE, least=MIN_SIDE, most=MAX_SIDE, multiple_of=SIDE_STEP)


def _seed(fields: JsonFields) -> int | None:
    return fields.whole("seed", 0, least=0, most=MAX_SEED) if "seed" in fields else None


def _init_image(fields: JsonFields, max_bytes: int) -> bytes:
    if "init_image" not in fields:
        return b""
    value = fields.value("init_image")
    if not isinstance(value, str):
        fields.blame("init_image", "must be a string.")
    elif not value.strip():
        fields.blame("init_image", "is empty")
    else:
        with fields.blaming("init_image"):
            return decoded_image(value, "init_image", max_bytes)
    return b""
