"""Errors that name the field of the request they are about, in words a caller can act on."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from facetkit.errors import FacetError, InvalidInput

Model = TypeVar("Model", bound=BaseModel)

_REASONS = {
    "missing": "is required",
    "json_invalid": "is not valid JSON",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "bool_parsing": "must be true or false",
    "literal_error": "must be one of {expected}",
    "list_type": "must be a list",
}


@contextmanager
def blaming(field: str, *kinds: type[FacetError]) -> Iterator[None]:
    """Makes errors of `kinds` raised in the block name `field`."""
    try:
        yield
    except kinds as error:
        raise type(error)(
            error.message, fields={field: error.message}, retry_after_s=error.retry_after_s
        ) from error


def parsed(model: type[Model], values: Mapping[str, Any]) -> Model:
    """`values` of a form, all texts, as `model`. Raises InvalidInput naming each bad field."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid_input(error.errors(include_url=False)) from error


def parsed_json(model: type[Model], body: bytes) -> Model:
    """A JSON body as `model`, types taken strictly. Raises InvalidInput naming each bad field."""
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise invalid_input(error.errors(include_url=False)) from error


def invalid_input(problems: Sequence[Any], *, skip: int = 0) -> InvalidInput:
    """pydantic's `problems` as one error; the first `skip` parts of each place are left out."""
    fields: dict[str, str] = {}
    for problem in problems:
        path = ".".join(str(part) for part in problem["loc"][skip:]) or "body"
        fields.setdefault(path, _reason(problem))
    message = "; ".join(f"'{path}' {reason}" for path, reason in fields.items())
    return InvalidInput(message, fields=fields)


def _reason(problem: Mapping[str, Any]) -> str:
    context = problem.get("ctx", {})
    if problem["type"] == "value_error":
        return str(context["error"])
    return _REASONS.get(problem["type"], "is not valid").format(**context)
