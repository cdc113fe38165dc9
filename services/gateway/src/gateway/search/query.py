"""What POST /api/search asks for, in any of its three body formats."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request

from facetkit.errors import InvalidInput
from facetkit.objects import check_key
from gateway.field_errors import parsed, parsed_json
from gateway.forms import Form, FormReader, read_text_body
from gateway.search.fields import SearchFields
from gateway.uploads import required_image

_SOURCES = ("file", "imageUrl", "text", "key")


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
