"""Every error as JSON: one shape, one table of statuses."""

import math
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from facetkit import request_context
from facetkit.errors import ERROR_KINDS, INTERNAL, FacetError, kind_of
from gateway.field_errors import invalid_input

log = structlog.get_logger(__name__)

_INTERNAL_TEXT = "internal error"
_MEANINGS = {
    400: "A field is missing, of the wrong type or out of range; `fields` names it",
    401: "The API key is missing or wrong",
    404: "There is no such thing",
    413: "The body or the image is over a limit, which the message names",
    415: "Not a JPEG, PNG or WebP image",
    422: "The image is damaged",
    429: "Too much at once; come back after `Retry-After` seconds",
    501: "This mesh is set up without the models that would answer",
    502: "The URL could not be fetched",
    503: "A part of the mesh is not ready; come back after `Retry-After` seconds",
    504: "The time for the request is used up",
}


class ErrorBody(BaseModel):
    """What every error answers."""

    error: str = Field(description="What went wrong, for people")
    code: str = Field(description="What went wrong, for programs", examples=["invalid_input"])
    request_id: str = Field(description="The request's id, as in `X-Request-ID` and the logs")
    fields: dict[str, str] | None = Field(
        default=None, description="Path of each bad field, and what is wrong with it"
    )


def install(app: FastAPI) -> None:
    """Answers the errors that routes raise."""
    app.add_exception_handler(FacetError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_error)
    app.add_exception_handler(HTTPException, _on_error)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `statuses` of a route for OpenAPI."""
    known: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorBody, "description": _MEANINGS[status]} for status in statuses
    }
    return {**known, "default": {"model": ErrorBody, "description": "Any other error"}}


def answer(error: Exception) -> JSONResponse:
    """The response that tells the caller of `error`, and no more than the caller may know."""
    if isinstance(error, RequestValidationError):
        return _of_facet_error(invalid_input(error.errors(), skip=1))
    if isinstance(error, HTTPException):
        return _of_http_exception(error)
    if isinstance(error, FacetError) and kind_of(error) is not INTERNAL:
        return _of_facet_error(error)
    log.error("unexpected error", exc_info=error)
    return _json(INTERNAL.http_status, INTERNAL.code, _INTERNAL_TEXT)


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    return answer(error)


def _of_facet_error(error: FacetError) -> JSONResponse:
    kind = kind_of(error)
    if kind.http_status >= 500:
        log.warning("request failed", code=kind.code, error=error.message)
    response = _json(kind.http_status, kind.code, error.message, error.fields)
    if kind.http_status in {429, 503}:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s or 0)))
    if kind.http_status == 401:
        response.headers["WWW-Authenticate"] = "ApiKey"
    return response


def _of_http_exception(error: HTTPException) -> JSONResponse:
    phrase = HTTPStatus(error.status_code).phrase
    codes = {kind.http_status: kind.code for kind in ERROR_KINDS.values()}
    code = codes.get(error.status_code, phrase.lower().replace(" ", "_"))
    text = "there is no such route" if error.detail == phrase == "Not Found" else error.detail
    response = _json(error.status_code, code, text.lower() if text == phrase else text)
    response.headers.update(error.headers or {})
    return response


def _json(
    status: int, code: str, message: str, fields: dict[str, str] | None = None
) -> JSONResponse:
    content: dict[str, Any] = {
        "error": message,
        "code": code,
        "request_id": request_context.request_id(),
    }
    return JSONResponse(content | ({"fields": fields} if fields else {}), status)
