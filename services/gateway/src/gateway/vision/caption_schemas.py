"""Requests and answers of the caption routes."""

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, Field

from gateway.vision.caption_domain import Caption, CaptionModel

_TAGS = Field(description="Nouns of the caption, in lower case", examples=[["ring", "stone"]])
_FLAGGED = Field(description="Whether `flag_caption_prompt` holds; false without one")
_CACHE = Field(description="Whether the answer came from the cache")
_MODEL = Field(description="The captioner", examples=["blip-image-captioning-base"])
_MODEL_SET = Field(description="`demo`, `demo-random` (random weights, no sense) or `full`")


class CaptionAnswer(BaseModel):
    """One image in words."""

    filename: str
    caption: str = Field(examples=["a gold ring with two red stones"])
    tags: list[str] = _TAGS
    flagged: bool = _FLAGGED
    cache: bool = _CACHE

    @classmethod
    def of(cls, filename: str, made: Caption) -> "CaptionAnswer":
        """`made` as the route answers it."""
        return cls(
            filename=filename,
            caption=made.caption,
            tags=made.tags,
            flagged=made.flagged,
            cache=made.cached,
        )


class CaptionFailure(BaseModel):
    """One image that could not be captioned, beside others that could."""

    filename: str
    error: str
    code: str


class CaptionsAnswer(BaseModel):
    """Images in words, in request order."""

    results: list[CaptionAnswer | CaptionFailure]
    model: str = _MODEL
    model_set: str = _MODEL_SET


class CollectiveAnswer(BaseModel):
    """Several images in one caption."""

    collective_caption: str
    count: int = Field(description="How many images were looked at")
    tags: list[str] = _TAGS
    flagged: bool = _FLAGGED
    cache: bool = _CACHE
    model: str = _MODEL
    model_set: str = _MODEL_SET

    @classmethod
    def of(cls, count: int, made: Caption) -> "CollectiveAnswer":
        """`made` of `count` images as the route answers it."""
        return cls(
            collective_caption=made.caption,
            count=count,
            tags=made.tags,
            flagged=made.flagged,
            cache=made.cached,
            model=made.model,
            model_set=made.model_set,
        )


class CaptionModelAnswer(BaseModel):
    """A captioner, and whether it can answer."""

    key: str = Field(description="What `model` names it by", examples=["blip"])
    state: str = Field(description="`unloaded` (loaded on use), `loading`, `loaded`, `not_ready`")
    reason: str = Field(description="Why it is not ready; empty otherwise")
    collective: bool = Field(description="Whether it captions several images together")
    model: str | None = Field(description="The model's name; null until it was asked for")
    model_set: str | None = _MODEL_SET


class CaptionModelsAnswer(BaseModel):
    """Every captioner."""

    models: list[CaptionModelAnswer]

    @classmethod
    def of(cls, models: list[CaptionModel]) -> "CaptionModelsAnswer":
        """`models` as the route answers them."""
        return cls(models=[CaptionModelAnswer(**asdict(model)) for model in models])


class ResetAnswer(BaseModel):
    """What was forgotten."""

    deleted: int = Field(description="How many cached captions there were")


def images_body(most: int) -> dict[str, Any]:
    """A request body of 1 to `most` images for OpenAPI."""
    image = {"type": "string", "format": "binary"}
    told = f"1 to {most} images: JPEG, PNG or WebP, at most 24 MiB each and 64 MiB together"
    images = {"type": "array", "items": image, "minItems": 1, "maxItems": most, "description": told}
    schema = {"type": "object", "required": ["images"], "properties": {"images": images}}
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}
