"""The items of a matrix's rows as columns; items themselves are made for hits alone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from search.adapters.place_map import Ids
from search.domain import Item, key_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

_FIELDS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "id": (np.uint8, (32,)),
    "key": (np.dtypes.StringDType(), ()),
    "content_type": (np.uint8, ()),
    "size_bytes": (np.int64, ()),
    "width": (np.int32, ()),
    "height": (np.int32, ()),
    "created_ms": (np.int64, ()),
}
_MIN_ROWS = 1024
_GROWTH = 1.25


class Columns:
    """73 bytes a row; keys other than those that Facet gives cost their length besides.

    A row's key is empty where it is the one that Facet gives.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._columns = {
            name: np.zeros((_MIN_ROWS, *shape), dtype) for name, (dtype, shape) in _FIELDS.items()
        }
        self.content_types: list[str] = []

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """One column as far as it is filled."""
        return self._columns[name][: self._rows]

    def append(self, items: Sequence[Item]) -> None:
        """Adds rows at the end."""
        rows = self._rows + len(items)
        if rows > len(self._columns["id"]):
            self._grow(max(rows, int(_GROWTH * self._rows)))
        self.write(slice(self._rows, rows), items)
        self._rows = rows

    def write(self, places: Any, items: Sequence[Item]) -> None:
        """Replaces rows; `places` is a slice or an array."""
        if not items:
            return
        columns = self._columns
        columns["id"][places] = raw_ids([item.id for item in items])
        columns["key"][places] = [_stored_key(item) for item in items]
        columns["content_type"][places] = [self._code(item.content_type) for item in items]
        columns["created_ms"][places] = [(item.created_at - EPOCH) // MILLISECOND for item in items]
        for name in ("size_bytes", "width", "height"):
            columns[name][places] = [getattr(item, name) for item in items]

    def remove(self, place: int) -> None:
        """Moves the last row to `place`."""
        self._rows -= 1
        for column in self._columns.values():
            column[place] = column[self._rows]

    def items(self, places: npt.NDArray[np.integer[Any]]) -> list[Item]:
        """The items of rows."""
        row = {name: column[places].tolist() for name, column in self._columns.items()}
        return [
            self._item(bytes(raw).hex(), *values)
            for raw, *values in zip(*(row[name] for name in _FIELDS), strict=True)
        ]

    def _item(
        self,
        item_id: str,
        key: str,
        content_type: int,
        size_bytes: int,
        width: int,
        height: int,
        created_ms: int,
    ) -> Item:
        named = self.content_types[content_type]
        created_at = EPOCH + created_ms * MILLISECOND
        key = key or key_of(item_id, named)
        return Item(item_id, key, named, size_bytes, width, height, created_at)

    def _grow(self, rows: int) -> None:
        # Column by column: never is more than one of them there twice.
        for name, (dtype, shape) in _FIELDS.items():
            grown = np.zeros((rows, *shape), dtype)
            grown[: self._rows] = self._columns[name][: self._rows]
            self._columns[name] = grown

    def _code(self, content_type: str) -> int:
        if content_type not in self.content_types:
            self.content_types.append(content_type)
        return self.content_types.index(content_type)


def raw_ids(item_ids: Sequence[str]) -> Ids:
    """Ids as rows of 32 bytes."""
    return np.frombuffer(bytes.fromhex("".join(item_ids)), np.uint8).reshape(-1, 32)


def _stored_key(item: Item) -> str:
    return "" if item.key == key_of(item.id, item.content_type) else item.key
