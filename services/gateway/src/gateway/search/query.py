"""What POST /api/search asks for, in any of its three body formats."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.json_schema import WithJsonSchema

from facetkit.errors import InvalidInput
from facetkit.objects import check_key
from gateway.field_errors import parsed, parsed_json
from gateway.forms import Form, FormReader, read_text_body
from gateway.search.domain import Filter
from gateway.uploads import required_image

MAX_DEPTH = 16_384
_SOURCES = ("file", "imageUrl", "text", "key")
_MAX_PIXELS_A_SIDE = 2**31


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

    @field_validator("offset")
    @classmethod
    def _not_too_deep(cls, offset: int, info: ValidationInfo) -> int:
        if offset + info.data.get("top_k", 0) > MAX_DEPTH:
            raise ValueError(f"must be at most {MAX_DEPTH:,} less 'top_k'")
        return offset

    @property
    def filter(self) -> Filter:
        """The filters."""
        return Filter(
            min_width=self.min_width,
            min_height=self.min_height,
            content_types=tuple(self.content_type),
            created_after=self.created_after,
            created_before=self.created_before,
        )


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A checked request: `source` names the one field searched by."""

    fields: SearchFields
    file: bytes | None
    source: str


class QueryReader:
    """Reads multipart, urlencoded and JSON bodies."""

    def __init__(self, forms: FormReader) -> None:
        self._forms = forms

    async def read(self, request: Request) -> SearchQuery:
        """The query. Raises InvalidInput naming the bad fields, TooLarge and UnsupportedMedia."""
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            return _checked(parsed_json(SearchFields, await read_text_body(request)), Form({}, {}))
        form = await self._forms.read(request)
        return _checked(parsed(SearchFields, _values(form)), form)


def _values(form: Form) -> dict[str, Any]:
    lists = {"content_type": ",".join(filter(None, form.texts.get("content_type", [])))}
    texts = {name: texts for name, texts in form.texts.items() if name != "content_type"}
    return Form(texts, {}).single_texts() | {name: value for name, value in lists.items() if value}


def _checked(fields: SearchFields, form: Form) -> SearchQuery:
    has_file = "file" in form.files or "file" in form.texts
    given = dict(zip(_SOURCES, (has_file, fields.image_url, fields.text, fields.key), strict=True))
    named = [name for name in _SOURCES if given[name] not in (None, False)]
    if len(named) != 1:
        raise _not_one(named)
    if fields.key is not None:
        check_key(fields.key)
    return SearchQuery(fields, required_image(form, "file") if has_file else None, named[0])


def _not_one(named: list[str]) -> InvalidInput:
    choice = "exactly one of 'file', 'imageUrl', 'text' and 'key' is required"
    given = ", ".join(f"'{name}'" for name in named) or "none"
    return InvalidInput(
        f"{choice}; given: {given}",
        fields={name: choice for name in named or _SOURCES},
    )
