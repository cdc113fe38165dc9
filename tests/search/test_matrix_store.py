import asyncio

import pytest

from facetkit.errors import Unavailable
from search.adapters.matrix_store import MatrixStore
from search.domain import Filter, Page, Row
from tests.search.fakes import MODEL, MemoryVectorStore
from tests.search.vector_rows import ROWS, row


class HeldReads(MemoryVectorStore):
    """Reads a row, then answers once it may `go_on`."""

    def __init__(self) -> None:
        super().__init__()
        self.reading, self.go_on = asyncio.Event(), asyncio.Event()

    async def get(self, item_id: str) -> Row | None:
        """The row as it was when it was asked for."""
        found = await super().get(item_id)
        self.reading.set()
        await self.go_on.wait()
        return found


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
        await store.delete([ROWS[0].item.id])
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


async def test_a_later_write_is_not_undone_by_what_is_read_back() -> None:
    durable = HeldReads()
    store = await opened(durable)
    await store.upsert(ROWS[:1])
    durable.lose_answers = True
    with pytest.raises(Unavailable):
        await store.upsert([row(1, width=7)])
    durable.lose_answers = False
    await durable.reading.wait()
    await store.upsert([row(1, width=8)])
    durable.go_on.set()
    await store.delete([ROWS[5].item.id])
    found = await store.get(ROWS[0].item.id)
    assert found is not None
    assert found.item.width == 8
    await store.close()


async def test_searches_wait_together_while_the_matrix_is_written_to() -> None:
    durable = MemoryVectorStore()
    store = await opened(durable)
    await store.upsert(ROWS)
    searches = [
        asyncio.create_task(store.search(each.vector, Page(top_k=1), Filter())) for each in ROWS
    ]
    await store.upsert([row(number) for number in range(100, 1000)])
    found = await asyncio.gather(*searches)
    assert [each.hits[0].item for each in found] == [each.item for each in ROWS]
    await store.close()
    with pytest.raises(Unavailable):
        await store.search(ROWS[0].vector, Page(), Filter())
