"""At which place of a column of ids each id is. Not thread-safe."""

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.uint8]
"""SHA-256 values, shape (rows, 32)."""
Places = npt.NDArray[np.int32]

NOWHERE = -1
_FREE, _LEFT = -1, -2
_MIN_SLOTS = 1024
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class PlaceMap:
    """Open addressing with linear probing: 6 to 16 bytes an id, and no object.

    The column of ids itself stays with its owner, who passes it in as far as it is filled.
    """

    def __init__(self) -> None:
        self._slots: Places = np.full(_MIN_SLOTS, _FREE, np.int32)
        self._touched = 0

    def find(self, column: Ids, wanted: Ids) -> Places:
        """The place of each wanted id; NOWHERE where it is not in the column."""
        places = np.full(len(wanted), NOWHERE, np.int32)
        slots = self._first_slots(wanted)
        asking = np.arange(len(wanted))
        while asking.size:
            found = self._slots[slots[asking]]
            taken = found >= 0
            same = np.zeros(len(asking), np.bool_)
            same[taken] = (column[found[taken]] == wanted[asking[taken]]).all(axis=1)
            places[asking[same]] = found[same]
            asking = asking[~same & (found != _FREE)]
            slots[asking] = self._next(slots[asking])
        return places

    def extend(self, column: Ids, first: int) -> None:
        """Learns the ids from place `first` to the column's end; none is known yet."""
        added = len(column) - first
        if 3 * (self._touched + added) > 2 * len(self._slots):
            self._begin_anew(len(column))
            first = 0
        self._take_slots(column, first)

    def move(self, item_id: Ids, place: int, to: int) -> None:
        """Lets an id that is at `place` be at another one, or NOWHERE. Shape (32,)."""
        slot = self._first_slots(item_id[np.newaxis])
        while self._slots[slot[0]] != place:
            slot = self._next(slot)
        self._slots[slot[0]] = _LEFT if to == NOWHERE else to

    def _begin_anew(self, rows: int) -> None:
        slots = max(_MIN_SLOTS, 1 << (2 * rows - 1).bit_length())
        self._slots = np.full(slots, _FREE, np.int32)
        self._touched = 0

    def _take_slots(self, column: Ids, first: int) -> None:
        places = np.arange(first, len(column), dtype=np.int32)
        slots = self._first_slots(column[first:])
        self._touched += len(places)
        while places.size:
            free = self._slots[slots] < 0
            # Several may take one slot at once: the last one has it, the others go on.
            self._slots[slots[free]] = places[free]
            going = self._slots[slots] != places
            places, slots = places[going], self._next(slots[going])

    def _first_slots(self, ids: Ids) -> npt.NDArray[np.int64]:
        words = np.ascontiguousarray(ids).view(np.uint64)
        mixed = np.bitwise_xor.reduce(words, axis=1) * _SPREAD
        shift = np.uint64(64 - (len(self._slots) - 1).bit_length())
        first: npt.NDArray[np.int64] = (mixed >> shift).astype(np.int64)
        return first

    def _next(self, slots: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        following: npt.NDArray[np.int64] = (slots + 1) & (len(self._slots) - 1)
        return following
