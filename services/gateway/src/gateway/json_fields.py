"""The fields of JSON bodies: checked one by one, what is wrong with them told together."""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from facetkit.errors import InvalidInput

MAX_LABELS = 1000
MAX_LABEL_CHARS = 200

_NOT_A_STRING = "must be a string."
_NOT_POSITIVE = "must be a positive number."
# What services take is of single precision: a smaller number is zero there.
_LEAST = 2.0**-126
_MAX_SPLITS = 100_000
# Neither protocol buffers nor databases take these.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class JsonFields:
    """Reads fields of `body`; one that is wrong comes as its default, and `check` raises.

    The message is that of the field that was read first.
    """

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body
        self._errors: dict[str, InvalidInput] = {}

    def __contains__(self, field: str) -> bool:
        return field in self._body

    def value(self, field: str) -> object:
        """The field as it came; None where it is missing."""
        return self._body.get(field)

    @property
    def good(self) -> bool:
        """Whether nothing was wrong so far."""
        return not self._errors

    def blame(self, field: str, reason: str) -> None:
        """Notes that `field` is wrong; the first reason counts."""
        self._errors.setdefault(field, InvalidInput(f"'{field}' {reason}", fields={field: reason}))

    @contextmanager
    def blaming(self, field: str) -> Iterator[None]:
        """Notes an InvalidInput raised in the block, of any kind, and goes on behind it."""
        try:
            yield
        except InvalidInput as error:
            self._errors.setdefault(field, error)

    def check(self) -> None:
        """Raises where a field is wrong: one error, of the fields' own kind if they share one."""
        if self.good:
            return
        kinds = {type(error) for error in self._errors.values()}
        kind = kinds.pop() if len(kinds) == 1 else InvalidInput
        fields: dict[str, str] = {}
        for field, error in self._errors.items():
            fields |= error.fields or {field: error.message}
        raise kind(next(iter(self._errors.values())).message, fields=fields)

    def required_text(self, field: str, *, max_chars: int) -> str:
        """A text that is not blank."""
        value = self.value(field)
        if not isinstance(value, str) or not value.strip():
            self.blame(field, "is required and must be a string.")
            return ""
        return self._text(field, value, max_chars)

    def text(self, field: str, *, max_chars: int | None = None) -> str:
        """A text; "" where it is missing."""
        value = self._body.get(field, "")
        if not isinstance(value, str):
            self.blame(field, _NOT_A_STRING)
            return ""
        return self._text(field, value, max_chars)

    def positive(self, field: str, default: float, *, most: float) -> float:
        """A number above 0, at most `most`."""
        value = self._body.get(field, default)
        if not _is_positive(value):
            self.blame(field, _NOT_POSITIVE)
        elif value > most:
            self.blame(field, f"must be at most {most:g}.")
        else:
            return float(value)
        return default

    def positive_whole(
        self, field: str, default: int, *, least: int = 1, most: int, multiple_of: int = 1
    ) -> int:
        """A whole number from `least` to `most`; 30.0 is one."""
        value = self._body.get(field, default)
        if not _is_positive(value):
            self.blame(field, _NOT_POSITIVE)
        elif value % 1:
            self.blame(field, "must be a whole number.")
        elif value < least:
            self.blame(field, f"must be at least {least}.")
        elif value > most:
            self.blame(field, f"must be at most {most}.")
        elif value % multiple_of:
            self.blame(field, f"must be a multiple of {multiple_of}.")
        else:
            return int(value)
        return default

    def whole(self, field: str, default: int, *, least: int, most: int) -> int:
        """A whole number from `least` to `most`, which may be 0."""
        value = self._body.get(field, default)
        if not _is_number(value) or not least <= value <= most or value % 1:
            self.blame(field, f"must be a whole number from {least} to {most}.")
            return default
        return int(value)

    def labels(self, field: str = "labels") -> list[str]:
        """A comma list's distinct items in its order; none where it is missing or empty."""
        text = self.text(field)
        parts = map(str.strip, text.split(",", _MAX_SPLITS))
        labels = list(dict.fromkeys(filter(None, parts)))
        if len(labels) > MAX_LABELS:
            self.blame(field, f"must have at most {MAX_LABELS} labels.")
        elif any(len(label) > MAX_LABEL_CHARS for label in labels):
            self.blame(field, f"must have at most {MAX_LABEL_CHARS} characters each.")
        return labels

    def _text(self, field: str, value: str, max_chars: int | None) -> str:
        if max_chars is not None and len(value) > max_chars:
            self.blame(field, f"must have at most {max_chars} characters.")
        elif _NO_TEXT.search(value):
            self.blame(field, "must be valid text.")
        else:
            return value
        return ""


def _is_number(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value >= _LEAST
