"""Requests and answers of POST /generate."""

from base64 import b64encode
from typing import Any

from pydantic import BaseModel, Field

from gateway.event_streams import MEDIA_TYPE
from gateway.vision.clip_schemas import ClipAnalysisAnswer
from gateway.vision.generation_domain import Generated, GenerationParameters

_EXAMPLE_EVENTS = """event: queued
data: {"position":0}

event: progress
data: {"step":1,"steps":30}

event: done
data: {"request_id":"a1b2c3d4-5678-4101-8121-314151617181","generated_image":"iVBORw0KGgo…"}

"""


class GeneratedAnalysis(ClipAnalysisAnswer):
    """What CLIP sees in the picture."""

    error: str | None = Field(
        default=None, description="Only where CLIP could not answer: why the rest is empty"
    )


class GeneratedImageAnswer(BaseModel):
    """One of several pictures."""

    image: str = Field(description="PNG, base64")
    seed: int


class GenerateAnswer(BaseModel):
    """Pictures from words."""

    request_id: str = Field(description="A UUID", examples=["a1b2c3d4-5678-4101-8121-314151617181"])
    generated_image: str = Field(description="The first picture: PNG, base64")
    clip_analysis: GeneratedAnalysis
    seed: int = Field(description="Of the first picture; the following ones count on from it")
    images: list[GeneratedImageAnswer] | None = Field(
        default=None, description="All pictures; only with `count` > 1"
    )
    negative_prompt: str
    prompt_cut: bool = Field(
        description="Whether the model read only the beginning, 77 tokens, of a prompt"
    )
    samples: int
    cfg: float
    strength: float | None = Field(default=None, description="Only with `init_image`")
    height: int
    width: int
    scheduler: str = Field(description="The one that was used", examples=["pndm"])
    native_width: int = Field(description="What the picture was computed at, before it was resized")
    native_height: int
    model: str = Field(examples=["stable-diffusion-v1-5"])
    model_set: str = Field(description="`demo`, `demo-random` (random weights, no sense) or `full`")

    @classmethod
    def of(
        cls,
        request_id: str,
        asked: GenerationParameters,
        made: Generated,
        analysis: GeneratedAnalysis,
    ) -> "GenerateAnswer":
        """`made` as the route answers it."""
        images = [
            GeneratedImageAnswer(image=b64encode(image.png).decode(), seed=image.seed)
            for image in made.images
        ]
        return cls(
            request_id=request_id,
            generated_image=images[0].image,
            clip_analysis=analysis,
            seed=images[0].seed,
            images=images if len(images) > 1 else None,
            negative_prompt=asked.negative_prompt,
            prompt_cut=made.prompt_cut,
            samples=asked.steps,
            cfg=asked.guidance_scale,
            strength=asked.strength if asked.init_image else None,
            height=asked.height,
            width=asked.width,
            scheduler=made.scheduler,
            native_width=made.native_width,
            native_height=made.native_height,
            model=made.model,
            model_set=made.model_set,
        )


class QueuedEvent(BaseModel):
    """The data of `queued`."""

    position: int


class ProgressEvent(BaseModel):
    """The data of `progress`."""

    step: int
    steps: int
    preview: str | None


def generate_events() -> dict[int | str, dict[str, Any]]:
    """The answer to `?stream=true` for OpenAPI, beside the other."""
    schema = {"type": "string", "description": "With `?stream=true`"}
    content = {MEDIA_TYPE: {"schema": schema, "example": _EXAMPLE_EVENTS}}
    return {200: {"description": "The pictures, or the events on the way", "content": content}}
