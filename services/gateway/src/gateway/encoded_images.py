"""Images that arrive as base64 within JSON."""

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager

from facetkit.errors import FacetError, InvalidInput, TooLarge
from gateway.uploads import checked_image

_WHITESPACE = b" \t\r\n\f\v"
_MAX_PREFIX_BYTES = 256


def decoded_image(value: object, field: str, max_bytes: int) -> bytes:
    """The image that `value` holds as base64, with or without a `data:` prefix.

    Raises InvalidInput (missing, not a string, not base64, empty), TooLarge and UnsupportedMedia,
    all naming `field`.
    """
    if not isinstance(value, str) or not value.strip():
        raise _refused(InvalidInput, field, "is required and must be a string.")
    try:
        encoded = _without_prefix(value.encode("ascii").translate(None, _WHITESPACE))
        if _decoded_bytes(encoded) > max_bytes:
            raise _refused(TooLarge, field, f"is larger than {max_bytes / 2**20:g} MiB")
        content = base64.b64decode(encoded, validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise _refused(InvalidInput, field, "is not valid base64.") from error
    return checked_image(content, field)


@contextmanager
def blaming_image(field: str) -> Iterator[None]:
    """Makes what is found wrong in the block name `field`, unless it names one already."""
    try:
        yield
    except InvalidInput as error:
        if error.fields:
            raise
        raise type(error)(error.message, fields={field: error.message}) from error


def _without_prefix(encoded: bytes) -> bytes:
    prefix, comma, _ = encoded[:_MAX_PREFIX_BYTES].lower().partition(b",")
    prefixed = comma and prefix.startswith(b"data:image/") and prefix.endswith(b";base64")
    return encoded[len(prefix) + 1 :] if prefixed else encoded


def _decoded_bytes(encoded: bytes) -> int:
    return len(encoded) // 4 * 3 - encoded[-2:].count(b"=")


def _refused(kind: type[FacetError], field: str, reason: str) -> FacetError:
    return kind(f"'{field}' {reason}", fields={field: reason})
