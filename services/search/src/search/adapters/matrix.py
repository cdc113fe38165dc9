"""All vectors in memory as an exact fp16 matrix. Not thread-safe."""

from collections.abc import Iterable
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from search.domain import Filter, Found, Hit, Item, Page, Row, Vector


class Matrix:
    """Rows in no order; about 1 KB a row of 512 dimensions."""

    def __init__(self, dimensions: int) -> None:
        self._index = faiss.IndexScalarQuantizer(
            dimensions, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        self._items: list[Item] = []
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._items)

    def put(self, rows: Iterable[Row]) -> None:
        """Adds rows, replacing those of equal id."""
        distinct = {row.item.id: row for row in rows}
        for item_id in distinct:
            self.remove(item_id)
        if distinct:
            self._index.add(np.stack([row.vector for row in distinct.values()]))
        for row in distinct.values():
            self._places[row.item.id] = len(self._items)
            self._items.append(row.item)

    def remove(self, item_id: str) -> None:
        """Removes a row, if it is there, by moving the last one into its place."""
        place = self._places.pop(item_id, None)
        if place is None:
            return
        last = len(self._items) - 1
        codes = self._codes()
        codes[place] = codes[last]
        self._index.remove_ids(faiss.IDSelectorRange(last, last + 1))
        moved = self._items.pop()
        if place != last:
            self._items[place] = moved
            self._places[moved.id] = place

    def get(self, item_id: str) -> Row | None:
        """A row; its vector is rounded to fp16."""
        place = self._places.get(item_id)
        if place is None:
            return None
        vector: Any = self._index.reconstruct(place)
        return Row(self._items[place], vector)

    def search(self, vector: Vector, page: Page, accept: Filter) -> Found:
        """The nearest rows by cosine, exact but for the rounding."""
        accepted = self._accepted(accept)
        total = len(self) if accepted is None else len(accepted)
        wanted = min(page.window, total)
        if wanted <= page.offset:
            return Found([], total)
        selector = None if accepted is None else faiss.IDSelectorBatch(accepted)
        make_parameters: Any = faiss.SearchParameters
        parameters = make_parameters(sel=selector)
        scores, places = self._index.search(vector[np.newaxis], wanted, params=parameters)
        pairs = zip(scores[0].tolist(), places[0].tolist(), strict=True)
        hits = [Hit(self._items[place], min(1.0, max(-1.0, score))) for score, place in pairs]
        hits.sort(key=lambda hit: (-hit.score, hit.item.id))
        return Found(hits[page.offset :], total)

    def _accepted(self, accept: Filter) -> npt.NDArray[np.int64] | None:
        if accept == Filter():
            return None
        places = [place for place, item in enumerate(self._items) if _accepts(accept, item)]
        return np.array(places, np.int64)

    def _codes(self) -> npt.NDArray[np.uint8]:
        size = self._index.codes.size()
        flat = faiss.rev_swig_ptr(self._index.codes.data(), size)
        view: npt.NDArray[np.uint8] = flat.reshape(len(self._items), -1)
        return view


def _accepts(accept: Filter, item: Item) -> bool:
    return (
        item.width >= accept.min_width
        and item.height >= accept.min_height
        and (not accept.content_types or item.content_type in accept.content_types)
        and (accept.created_after is None or item.created_at >= accept.created_after)
        and (accept.created_before is None or item.created_at < accept.created_before)
    )
