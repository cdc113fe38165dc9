"""All vectors in memory as an exact fp16 matrix. Not thread-safe."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from search.adapters.matrix_codes import Codes
from search.adapters.matrix_columns import Columns, raw_ids
from search.adapters.matrix_filter import Accepted, accepted_rows
from search.adapters.matrix_ranking import nearest
from search.adapters.matrix_scan import Near
from search.adapters.matrix_threads import helping_thread
from search.adapters.place_map import NOWHERE, PlaceMap
from search.domain import Filter, Found, Hit, Page, Row, Vector

BLOCK_ROWS = 16_384
"""A multiple of 8, so that blocks begin at whole bytes of a bitmap. Fewer rows cost time, since
each block is a call; more cost memory, since what a block leaves when it grows is not all used."""
MAX_FILTERS_KEPT = 8


class Matrix:
    """Rows in no order; about 1.1 KB a row of 512 dimensions."""

    def __init__(self, dimensions: int, block_rows: int = BLOCK_ROWS) -> None:
        self._codes = Codes(dimensions, block_rows)
        self._columns = Columns()
        self._places = PlaceMap()
        self._helper = helping_thread()
        self._accepted: dict[Filter, Accepted] = {}

    def __len__(self) -> int:
        return len(self._columns)

    def put(self, rows: Iterable[Row]) -> None:
        """Adds rows, replacing those of equal id."""
        distinct = list({row.item.id: row for row in rows}.values())
        if not distinct:
            return
        self._accepted.clear()
        vectors = np.stack([row.vector for row in distinct])
        places = self._places.find(self._columns["id"], raw_ids([row.item.id for row in distinct]))
        known, new = np.flatnonzero(places != NOWHERE), np.flatnonzero(places == NOWHERE)
        self._columns.write(places[known], [distinct[number].item for number in known])
        self._codes.write(places[known], vectors[known])
        first = len(self)
        self._columns.append([distinct[number].item for number in new])
        self._codes.append(vectors[new])
        self._places.extend(self._columns["id"], first)

    def remove(self, item_ids: Sequence[str]) -> None:
        """Removes rows, those that are there, by moving the last ones into their places."""
        self._accepted.clear()
        for item_id in item_ids:
            place = self._place(item_id)
            if place != NOWHERE:
                self._remove(place)

    def get(self, item_id: str) -> Row | None:
        """A row; its vector is rounded to fp16."""
        place = self._place(item_id)
        if place == NOWHERE:
            return None
        return Row(self._columns.items(np.array([place]))[0], self._codes.vector(place))

    def search(self, vector: Vector, page: Page, accept: Filter) -> Found:
        """The nearest rows by cosine, exact but for the rounding."""
        return self.search_many([(vector, page)], accept)[0]

    def search_many(self, queries: Sequence[tuple[Vector, Page]], accept: Filter) -> list[Found]:
        """What `search` answers to each; several times cheaper for many."""
        accepted = self._accept(accept)
        total = len(self) if accepted is None else accepted.total
        if not total:
            return [Found() for _ in queries]
        vectors = np.stack([vector for vector, _ in queries])
        counts = [min(page.window, total) for _, page in queries]
        near = nearest(self._codes, self._helper, vectors, counts, accepted)
        ranked = [self._ranked(*each, page) for each, (_, page) in zip(near, queries, strict=True)]
        return [Found(hits, total) for hits in self._hits(ranked)]

    def _ranked(
        self, scores: npt.NDArray[np.float32], places: npt.NDArray[np.int64], page: Page
    ) -> Near:
        """The page's rows, best first, equal scores in the order of ids."""
        words = self._columns["id"][places].view(">u8")
        order = np.lexsort((*words.T[::-1], -scores))[page.offset : page.window]
        return np.clip(scores[order], -1, 1), places[order]

    def _hits(self, ranked: Sequence[Near]) -> list[list[Hit]]:
        items = iter(self._columns.items(np.concatenate([places for _, places in ranked])))
        return [[Hit(next(items), score) for score in scores.tolist()] for scores, _ in ranked]

    def _accept(self, accept: Filter) -> Accepted | None:
        if accept == Filter():
            return None
        accepted = self._accepted.pop(accept, None)
        if accepted is None:
            accepted = accepted_rows(self._columns, self._places, accept)
        while len(self._accepted) >= MAX_FILTERS_KEPT:
            del self._accepted[next(iter(self._accepted))]
        # Last in: the one to go first is the one not asked for longest.
        self._accepted[accept] = accepted
        return accepted

    def _place(self, item_id: str) -> int:
        return int(self._places.find(self._columns["id"], raw_ids([item_id]))[0])

    def _remove(self, place: int) -> None:
        ids, last = self._columns["id"], len(self) - 1
        self._places.move(ids[place], place, NOWHERE)
        if place != last:
            self._places.move(ids[last], last, place)
        self._columns.remove(place)
        self._codes.remove(place)
