"""JSON bodies: one object each, within bounds."""

import json
from typing import Any

from fastapi import Request

from facetkit.errors import InvalidInput, TooLarge, UnsupportedMedia

JSON = "application/json"
MAX_PARTS = 100_000
"""A few bytes of JSON become a hundred of memory: lists, objects and their items are counted."""

_NOT_VALID = "the body is not valid JSON"


async def read_json(request: Request, max_bytes: int) -> dict[str, Any]:
    """The object that the body holds; NaN and Infinity come as floats.

    Raises UnsupportedMedia for another content type, TooLarge over `max_bytes`, and InvalidInput.
    """
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise UnsupportedMedia(f"the body must be {JSON}")
    body = _parsed(await _read(request, max_bytes))
    if not isinstance(body, dict):
        raise InvalidInput("the body must be a JSON object")
    return body


async def _read(request: Request, max_bytes: int) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge(f"the body is larger than {max_bytes / 2**20:g} MiB")
        chunks.append(chunk)
    return b"".join(chunks)


def _parsed(body: bytes) -> Any:
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_PARTS:
        raise InvalidInput("the body has too many parts")
    try:
        return json.loads(body.decode(), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(_NOT_VALID) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidInput("the body names a field twice")
    return found
