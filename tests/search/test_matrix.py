"""The matrix against the definition of what it answers."""

import hashlib
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from search.adapters.matrix import Matrix
from search.adapters.matrix_columns import EPOCH, MILLISECOND
from search.adapters.matrix_ranking import MIN_BATCH
from search.domain import Filter, Item, Page, Row, Vector, key_of
from tests.search.fakes import MODEL, unit
from tests.search.vector_rows import ROWS, row

ALL = Filter()
BATCH_ROWS = 1000
BLOCK_ROWS = 64


def many_rows(count: int, dimensions: int = 8) -> list[Row]:
    """Rows with random vectors; every third has a key of its own."""
    random = np.random.default_rng(0)
    vectors = random.standard_normal((count, dimensions), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [Row(made_item(number), vector) for number, vector in enumerate(vectors)]


def made_item(number: int) -> Item:
    item_id = hashlib.sha256(str(number).encode()).hexdigest()
    key = key_of(item_id, "image/webp") if number % 3 else f"shop/{number}.webp"
    return Item(item_id, key, "image/webp", number, number, 1, EPOCH + number * MILLISECOND)


def filled(rows: list[Row], block_rows: int = BLOCK_ROWS) -> Matrix:
    matrix = Matrix(len(rows[0].vector), block_rows)
    for first in range(0, len(rows), BATCH_ROWS):
        matrix.put(rows[first : first + BATCH_ROWS])
    return matrix


def best_scores(rows: list[Row], query: Vector, count: int) -> list[float]:
    return sorted((float(each.vector @ query) for each in rows), reverse=True)[:count]


def test_it_agrees_with_the_definition_through_many_changes() -> None:
    random = np.random.default_rng(0)
    matrix, truth = Matrix(MODEL.dimensions), dict[str, Row]()
    for step in range(800):
        chosen = row(int(random.integers(1, 21)), key=f"shop/{step}.jpg")
        if random.random() < 0.6:
            truth[chosen.item.id] = chosen
            matrix.put([chosen])
        else:
            truth.pop(chosen.item.id, None)
            matrix.remove([chosen.item.id])
        query = unit(str(step).encode())
        found = matrix.search(query, Page(top_k=5), ALL)
        best = best_scores(list(truth.values()), query, 5)
        assert [hit.score for hit in found.hits] == pytest.approx(best, abs=2e-3)
        assert [hit.item for hit in found.hits] == [truth[hit.item.id].item for hit in found.hits]
        assert found.total == len(matrix) == len(truth)


def test_rows_of_all_blocks_are_found_moved_and_replaced() -> None:
    rows = many_rows(9 * BLOCK_ROWS + 50)
    matrix = filled(rows)
    removed = {each.item.id for each in [*rows[:70], *rows[BLOCK_ROWS::17]]}
    matrix.remove([*removed, *removed])
    replaced = [replace(each, vector=-each.vector) for each in rows[100::5]]
    matrix.put(replaced)
    truth = {each.item.id: each for each in rows if each.item.id not in removed}
    truth |= {each.item.id: each for each in replaced}
    assert len(matrix) == len(truth)
    for each in truth.values():
        found = matrix.get(each.item.id)
        assert found is not None
        assert found.item == each.item
        assert found.vector == pytest.approx(each.vector, abs=1e-3)
    for query in (each.vector for each in rows[::50]):
        hits = matrix.search(query, Page(top_k=50), ALL).hits
        best = best_scores(list(truth.values()), query, 50)
        assert [hit.score for hit in hits] == pytest.approx(best, abs=2e-3)
    for item_id in truth:
        matrix.remove([item_id])
    assert matrix.search(rows[0].vector, Page(), ALL).total == len(matrix) == 0


@pytest.mark.parametrize(
    "accept",
    [
        ALL,
        Filter(min_width=700),
        Filter(prefix="shop/1"),
        Filter(max_size_bytes=3),
        Filter(prefix="nowhere/"),
    ],
)
@pytest.mark.parametrize("block_rows", [BLOCK_ROWS, 16 * BATCH_ROWS])
def test_many_queries_get_to_the_bit_what_each_gets_alone(accept: Filter, block_rows: int) -> None:
    rows = many_rows(5 * BATCH_ROWS + 50)
    matrix = filled(rows, block_rows)
    queries = [
        (each.vector, Page(1 + number % 9, number % 4)) for number, each in enumerate(rows[:60])
    ]
    assert matrix.search_many(queries, accept) == [
        matrix.search(*query, accept) for query in queries
    ]


def test_rows_of_equal_vectors_come_by_id_over_all_pages_alone_and_together() -> None:
    # More than fit a page, in all blocks, among others that are nearer and farther.
    rows = many_rows(500)
    matrix = filled(rows)
    same = [replace(each, vector=rows[0].vector) for each in rows[::3]]
    matrix.put(same)
    query = rows[1].vector
    queries = [(query, Page(7, offset)) for offset in range(0, 500, 7)]
    alone = [matrix.search(*each, ALL) for each in queries]
    assert matrix.search_many(queries, ALL) == alone
    hits = [hit for found in alone for hit in found.hits]
    assert hits == sorted(hits, key=lambda hit: (-hit.score, hit.item.id))
    assert len({hit.item.id for hit in hits}) == len(hits) == len(rows)
    tied = {each.item.id for each in same}
    assert len({hit.score for hit in hits if hit.item.id in tied}) == 1


def test_a_vector_that_is_not_finite_finds_nothing_and_hurts_nobody() -> None:
    rows = many_rows(200)
    matrix = filled(rows)
    nan = np.full(8, np.nan, np.float32)
    queries = [(each.vector, Page(top_k=1)) for each in rows[:MIN_BATCH]]
    found = matrix.search_many([*queries, (nan, Page())], ALL)
    assert [each.hits[0].item for each in found[:-1]] == [each.item for each in rows[:MIN_BATCH]]
    assert found[-1].hits == []


def test_a_row_costs_little_besides_its_vector() -> None:
    # What numpy and Python allocate; the vectors themselves are faiss's.
    rows = many_rows(20_000)
    tracemalloc.start()
    matrix = Matrix(8)
    for first in range(0, len(rows), BATCH_ROWS):
        matrix.put(rows[first : first + BATCH_ROWS])
    traced, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(matrix) == len(rows)
    assert traced / len(rows) < 150


def test_its_rows_have_all_their_fields() -> None:
    matrix = Matrix(MODEL.dimensions)
    matrix.put(ROWS)
    for each in ROWS:
        found = matrix.get(each.item.id)
        assert found is not None
        assert found.item == each.item
    assert matrix.get(row(99).item.id) is None
