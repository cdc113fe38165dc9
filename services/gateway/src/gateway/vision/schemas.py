"""Requests and answers of the vision routes."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class UploadForm(BaseModel):
    """The form of POST /upload."""

    model_config = ConfigDict(title="UploadForm")

    image_url: str = Field(
        alias="imageUrl",
        description="http or https URL of a JPEG, PNG or WebP image of at most 24 MiB, on the"
        " public internet or among this mesh's own objects. At most 2,048 characters.",
    )


class UploadAnswer(BaseModel):
    """The answer of POST /upload."""

    message: str = Field(examples=["Image processed successfully"])
    embedding: list[float] = Field(
        description="The image as a vector of norm 1; 512 numbers with the default model"
    )


def upload_body(example_url: str) -> dict[str, Any]:
    """The request body of POST /upload for OpenAPI."""
    content = {"schema": UploadForm.model_json_schema(), "example": {"imageUrl": example_url}}
    kinds = ("application/x-www-form-urlencoded", "multipart/form-data")
    return {"requestBody": {"required": True, "content": dict.fromkeys(kinds, content)}}
