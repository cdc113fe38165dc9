"""Requests and answers of the vision routes."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

EXAMPLE_URL = "https://www.gstatic.com/webp/gallery/1.jpg"


class UploadForm(BaseModel):
    """The form of POST /upload."""

    model_config = ConfigDict(title="UploadForm")

    image_url: str = Field(
        alias="imageUrl",
        description="http or https URL of a JPEG, PNG or WebP image of at most 24 MiB, on the"
        " public internet or among this mesh's own objects. At most 2,048 characters.",
        examples=[EXAMPLE_URL],
    )


class UploadAnswer(BaseModel):
    """The answer of POST /upload."""

    message: str = Field(examples=["Image processed successfully"])
    embedding: list[float] = Field(
        description="The image as a vector of norm 1; 512 numbers with the default model"
    )


def upload_body() -> dict[str, Any]:
    """The request body of POST /upload for OpenAPI."""
    content = {"schema": UploadForm.model_json_schema(), "example": {"imageUrl": EXAMPLE_URL}}
    kinds = ("application/x-www-form-urlencoded", "multipart/form-data")
    return {"requestBody": {"required": True, "content": dict.fromkeys(kinds, content)}}
