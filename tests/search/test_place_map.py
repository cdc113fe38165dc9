import numpy as np
import numpy.typing as npt
import pytest

from search.adapters.place_map import NOWHERE, PlaceMap

Ids = npt.NDArray[np.uint8]


def random_ids(count: int, seed: int = 0) -> Ids:
    return np.random.default_rng(seed).integers(0, 256, (count, 32), np.uint8)


def test_an_empty_map_finds_nothing() -> None:
    assert PlaceMap().find(random_ids(0), random_ids(3)).tolist() == [NOWHERE] * 3


def test_ids_are_found_where_they_are_through_all_growth() -> None:
    ids, places = random_ids(20_000), PlaceMap()
    for first in range(0, len(ids), 700):
        places.extend(ids[: first + 700], first)
        assert places.find(ids[: first + 700], ids).tolist() == [
            number if number < first + 700 else NOWHERE for number in range(len(ids))
        ]


@pytest.mark.parametrize("alike", [2, 24, 500])
def test_ids_that_begin_their_search_at_one_slot_are_told_apart(alike: int) -> None:
    # Whatever the hash makes of the last 8 bytes, the first 24 cancel out.
    ids = np.zeros((alike, 32), np.uint8)
    numbers = np.arange(alike, dtype=np.uint64)
    ids[:, :8] = ids[:, 8:16] = numbers[:, np.newaxis].view(np.uint8)
    places = PlaceMap()
    places.extend(ids, 0)
    assert places.find(ids, ids).tolist() == list(range(alike))
    for number in range(0, alike, 2):
        places.move(ids[number], number, NOWHERE)
    expected = [number if number % 2 else NOWHERE for number in range(alike)]
    assert places.find(ids, ids).tolist() == expected


def test_it_agrees_with_a_dict_through_many_changes() -> None:
    random = np.random.default_rng(1)
    known, places = random_ids(300, seed=2), PlaceMap()
    column: list[int] = []
    for _ in range(5000):
        number = int(random.integers(len(known)))
        if number not in column:
            column.append(number)
            places.extend(known[column], len(column) - 1)
        else:
            place, last = column.index(number), len(column) - 1
            places.move(known[number], place, NOWHERE)
            if place != last:
                places.move(known[column[last]], last, place)
                column[place] = column[last]
            column.pop()
    expected = [column.index(number) if number in column else NOWHERE for number in range(300)]
    assert places.find(known[column], known).tolist() == expected
