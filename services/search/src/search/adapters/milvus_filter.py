"""Filters as Milvus expressions."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from search.adapters.key_range import end_of_prefix
from search.domain import Filter

_MAX_INT64 = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What every Milvus reads back; Lite knows no other escapes.
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


def expression(accept: Filter) -> str:
    """The filter as a Milvus expression; empty where nothing is restricted."""
    terms = [
        f"{name} >= {_integer(least)}"
        for name, least in (
            ("width", accept.min_width),
            ("height", accept.min_height),
            ("size_bytes", accept.min_size_bytes),
        )
        if least
    ]
    if accept.max_size_bytes:
        terms.append(f"size_bytes <= {_integer(accept.max_size_bytes)}")
    if accept.content_types:
        terms.append(f"content_type in {_strings(accept.content_types)}")
    if accept.created_after is not None:
        terms.append(f"created_ms >= {_milliseconds(accept.created_after)}")
    if accept.created_before is not None:
        terms.append(f"created_ms < {_milliseconds(accept.created_before)}")
    if accept.prefix:
        terms.append(_with_prefix(accept))
    return " and ".join(terms)


def _with_prefix(accept: Filter) -> str:
    # A range: in `like`, Lite knows no way to mean a percent sign or an underscore.
    begins = f"key >= {_string(accept.prefix)}"
    if end := end_of_prefix(accept.prefix):
        begins += f" and key < {_string(end)}"
    if accept.prefix_ids:
        begins = f"({begins}) or id in {_strings(sorted(accept.prefix_ids))}"
    return f"({begins})"


def _integer(number: int) -> int:
    return min(number, _MAX_INT64)


def _string(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'


def _strings(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_string, texts))}]"


def _milliseconds(instant: datetime) -> int:
    """The first whole millisecond at or after an instant, since 1970."""
    return -((_EPOCH - instant) // timedelta(milliseconds=1))
