"""The fields of POST /api/search, each with its limits."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.json_schema import WithJsonSchema

from facetkit.objects import MAX_KEY_BYTES
from gateway.search.domain import Filter

_MAX_DEPTH = 16_384
_MAX_PIXELS_A_SIDE = 2**31
_MAX_SIZE_BYTES = 2**53


def _instant(value: object) -> object:
    if value is None or isinstance(value, datetime):
        return value
    try:
        instant = datetime.fromisoformat(str(value))
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("must be a date and time in ISO 8601") from error


def _listed(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


Instant = Annotated[
    datetime | None,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
ContentType = Literal["image/jpeg", "image/png", "image/webp"]
Side = Annotated[int | None, Field(ge=0, le=_MAX_PIXELS_A_SIDE)]


class SearchFields(BaseModel):
    """Everything but the file."""

    model_config = ConfigDict(title="SearchQuery", str_strip_whitespace=True)

    image_url: Annotated[str | None, Field(min_length=1)] = Field(
        default=None, alias="imageUrl", description="URL of an image to search by, as in /upload"
    )
    text: Annotated[str | None, Field(min_length=1, max_length=2000)] = Field(
        default=None, description="Words to search by: 1 to 2,000 characters"
    )
    key: str | None = Field(default=None, description="Key of a stored image to search by")
    top_k: Annotated[int, Field(ge=1, le=100)] = Field(default=5, description="How many: 1 to 100")
    offset: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Hits to pass over; offset + top_k is at most 16,384"
    )
    min_width: Side = Field(default=None, description="Least width in pixels")
    min_height: Side = Field(default=None, description="Least height in pixels")
    content_type: Annotated[list[ContentType], BeforeValidator(_listed)] = Field(
        default=[], description="Any of these; in a form repeated, or separated by commas"
    )
    created_after: Instant = Field(
        default=None, description="Stored at or after; UTC where no offset is given"
    )
    created_before: Instant = Field(default=None, description="Stored before")
    prefix: str | None = Field(
        default=None, description=f"How the object key begins: at most {MAX_KEY_BYTES:,} bytes"
    )
    min_bytes: Annotated[int | None, Field(ge=0, le=_MAX_SIZE_BYTES)] = Field(
        default=None, description="Least size of the encoded image in bytes"
    )
    max_bytes: Annotated[int | None, Field(ge=1, le=_MAX_SIZE_BYTES)] = Field(
        default=None, description="Greatest size of the encoded image in bytes"
    )

    @field_validator("offset")
    @classmethod
    def _not_too_deep(cls, offset: int, info: ValidationInfo) -> int:
        if offset + info.data.get("top_k", 0) > _MAX_DEPTH:
            raise ValueError(f"must be at most {_MAX_DEPTH:,} less 'top_k'")
        return offset

    @field_validator("prefix")
    @classmethod
    def _not_too_long(cls, prefix: str | None) -> str | None:
        if prefix is not None and len(prefix.encode()) > MAX_KEY_BYTES:
            raise ValueError(f"must have at most {MAX_KEY_BYTES:,} bytes")
        return prefix

    @field_validator("max_bytes")
    @classmethod
    def _not_below_least(cls, max_bytes: int | None, info: ValidationInfo) -> int | None:
        if max_bytes is not None and max_bytes < (info.data.get("min_bytes") or 0):
            raise ValueError("must be at least 'min_bytes'")
        return max_bytes

    @field_validator("created_before")
    @classmethod
    def _not_before_begin(cls, before: datetime | None, info: ValidationInfo) -> datetime | None:
        after = info.data.get("created_after")
        if before is not None and after is not None and before < after:
            raise ValueError("must not be before 'created_after'")
        return before

    @property
    def filter(self) -> Filter:
        """The filters."""
        return Filter(
            min_width=self.min_width,
            min_height=self.min_height,
            content_types=tuple(self.content_type),
            created_after=self.created_after,
            created_before=self.created_before,
            prefix=self.prefix or "",
            min_size_bytes=self.min_bytes,
            max_size_bytes=self.max_bytes,
        )
