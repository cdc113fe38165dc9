"""Request bodies of the search routes for OpenAPI, with examples that can be sent as they are."""

from typing import Any

from gateway.search.fields import SearchFields

_FILE = {"type": "string", "format": "binary", "description": "JPEG, PNG or WebP, at most 24 MiB"}


def store_body() -> dict[str, Any]:
    """The body of POST /api/images."""
    schema = {"type": "object", "required": ["file"], "properties": {"file": _FILE}}
    return _body({"multipart/form-data": {"schema": schema}})


def search_body() -> dict[str, Any]:
    """The body of POST /api/search."""
    schema = SearchFields.model_json_schema()
    fields = {name: _without_null(field) for name, field in schema["properties"].items()}
    schema = {**schema, "properties": fields}
    with_file = {**schema, "properties": {"file": _FILE, **fields}}
    example = {"text": "a gold ring"}
    return _body(
        {
            "application/json": {"schema": schema, "example": example},
            "multipart/form-data": {"schema": with_file},
            "application/x-www-form-urlencoded": {"schema": schema, "example": example},
        }
    )


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """A field that may be left out needs no null, for which forms have no input."""
    plain = {name: value for name, value in field.items() if name != "anyOf" and value is not None}
    values = [choice for choice in field.get("anyOf", []) if choice.get("type") != "null"]
    return {**plain, **(values[0] if values else {})}


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}
