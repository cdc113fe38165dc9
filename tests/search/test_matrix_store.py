import asyncio

import numpy as np
import pytest

from facetkit.errors import Unavailable
from search.adapters.matrix import Matrix
from search.adapters.matrix_store import MatrixStore
from search.domain import Filter, Page
from tests.contracts.test_vector_stores import ROWS
from tests.search.fakes import MODEL, MemoryVectorStore, unit


async def agree(store: MatrixStore) -> int:
    """Waits until the durable store and the matrix hold equally many rows."""
    while True:
        statistics = await store.statistics()
        if statistics.stored == statistics.in_matrix:
            return statistics.stored
        await asyncio.sleep(0.01)


async def opened(durable: MemoryVectorStore) -> MatrixStore:
    store = MatrixStore(durable, settle_every_s=0.01)
    await store.open(MODEL)
    return store


async def test_a_write_that_is_refused_is_not_found() -> None:
    durable = MemoryVectorStore()
    store = await opened(durable)
    durable.away = True
    with pytest.raises(Unavailable):
        await store.upsert(ROWS[:1])
    durable.away = False
    assert await agree(store) == 0
    await store.close()


async def test_a_write_whose_answer_is_lost_is_read_back() -> None:
    durable = MemoryVectorStore()
    store = await opened(durable)
    durable.lose_answers = True
    with pytest.raises(Unavailable):
        await store.upsert(ROWS[:3])
    durable.lose_answers = False
    assert await agree(store) == 3
    found = await store.search(ROWS[1].vector, Page(top_k=1), Filter())
    assert found.hits[0].item == ROWS[1].item
    await store.close()


async def test_a_delete_whose_answer_is_lost_is_read_back() -> None:
    durable = MemoryVectorStore()
    store = await opened(durable)
    await store.upsert(ROWS[:3])
    durable.lose_answers = True
    with pytest.raises(Unavailable):
        await store.delete(ROWS[0].item.id)
    durable.lose_answers = False
    assert await agree(store) == 2
    await store.close()


async def test_searches_go_on_while_the_durable_store_is_away() -> None:
    durable = MemoryVectorStore()
    store = await opened(durable)
    await store.upsert(ROWS)
    durable.away = True
    found = await store.search(ROWS[7].vector, Page(top_k=1), Filter())
    assert found.hits[0].item == ROWS[7].item
    await store.close()


def test_the_matrix_agrees_with_the_definition_through_many_changes() -> None:
    random = np.random.default_rng(0)
    matrix, truth = Matrix(MODEL.dimensions), {}
    for step in range(1500):
        row = ROWS[int(random.integers(len(ROWS)))]
        if random.random() < 0.6:
            truth[row.item.id] = row.vector
            matrix.put([row])
        else:
            truth.pop(row.item.id, None)
            matrix.remove(row.item.id)
        query = unit(str(step).encode())
        found = matrix.search(query, Page(top_k=5), Filter())
        best = sorted((float(vector @ query) for vector in truth.values()), reverse=True)[:5]
        assert [hit.score for hit in found.hits] == pytest.approx(best, abs=2e-3)
        assert found.total == len(matrix) == len(truth)
