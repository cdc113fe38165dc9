"""Which rows of a matrix satisfy a filter, found column by column."""

import re
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from search.adapters.key_range import end_of_prefix
from search.adapters.matrix_columns import EPOCH, MILLISECOND, Columns, raw_ids
from search.adapters.place_map import NOWHERE, Ids, PlaceMap
from search.domain import Filter, key_of

Mask = npt.NDArray[np.bool_]

_DIGITS = re.compile("[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The rows that a filter accepts: a bit each, lowest bit first, and their number."""

    bits: npt.NDArray[np.uint8]
    total: int

    def bits_of(self, first: int, rows: int) -> npt.NDArray[np.uint8]:
        """The bits of some rows, of which the first is at a multiple of 8."""
        return self.bits[first // 8 : (first + rows + 7) // 8]

    def rows_of(self, first: int, rows: int) -> npt.NDArray[np.intp]:
        """Which of some rows are accepted, counted from the first."""
        bits = self.bits_of(first, rows)
        return np.flatnonzero(np.unpackbits(bits, count=rows, bitorder="little"))


def accepted_rows(columns: Columns, places: PlaceMap, accept: Filter) -> Accepted:
    """The rows that satisfy a filter."""
    mask = np.ones(len(columns), np.bool_)
    _bound(mask, columns["width"], accept.min_width)
    _bound(mask, columns["height"], accept.min_height)
    _bound(mask, columns["size_bytes"], accept.min_size_bytes, accept.max_size_bytes)
    if accept.created_after is not None:
        mask &= columns["created_ms"] >= _milliseconds(accept.created_after)
    if accept.created_before is not None:
        mask &= columns["created_ms"] < _milliseconds(accept.created_before)
    if accept.content_types:
        mask &= _of_types(columns, [name in accept.content_types for name in columns.content_types])
    if accept.prefix:
        mask &= _with_prefix(columns, places, accept)
    return Accepted(np.packbits(mask, bitorder="little"), int(np.count_nonzero(mask)))


def _bound(mask: Mask, column: npt.NDArray[np.signedinteger], least: int, most: int = 0) -> None:
    if least:
        mask &= column >= least
    if most:
        mask &= column <= most


def _of_types(columns: Columns, accepted: list[bool]) -> Mask:
    chosen: Mask = np.array(accepted, np.bool_)[columns["content_type"]]
    return chosen


def _with_prefix(columns: Columns, places: PlaceMap, accept: Filter) -> Mask:
    prefix, keys = accept.prefix, columns["key"]
    # Empty, as the keys that Facet gives are kept, is below every prefix.
    mask: Mask = keys >= prefix
    if end := end_of_prefix(prefix):
        mask &= keys < end
    given = keys == ""
    for code, content_type in enumerate(columns.content_types):
        of_type = given & (columns["content_type"] == code)
        mask |= _given_with_prefix(columns["id"], of_type, content_type, prefix)
    if accept.prefix_ids:
        found = places.find(columns["id"], raw_ids(list(accept.prefix_ids)))
        mask[found[found != NOWHERE]] = True
    return mask


def _given_with_prefix(ids: Ids, given: Mask, content_type: str, prefix: str) -> Mask:
    """Of the rows whose key Facet gave, those where it begins with `prefix`."""
    folder, extension = key_of("|", content_type).split("|")
    if folder.startswith(prefix):
        return given
    digits, rest = prefix[len(folder) :][:64], prefix[len(folder) + 64 :]
    possible = prefix.startswith(folder) and extension.startswith(rest)
    if not possible or not _DIGITS.fullmatch(digits):
        return np.zeros_like(given)
    return given & _begins(ids, digits)


def _begins(ids: Ids, digits: str) -> Mask:
    whole = len(digits) // 2
    mask: Mask = (
        ids[:, :whole] == np.frombuffer(bytes.fromhex(digits[: 2 * whole]), np.uint8)
    ).all(axis=1)
    if len(digits) % 2:
        mask &= ids[:, whole] >> 4 == int(digits[-1], 16)
    return mask


def _milliseconds(instant: datetime) -> int:
    """The first whole millisecond at or after an instant, since 1970."""
    return -((EPOCH - instant) // MILLISECOND)
