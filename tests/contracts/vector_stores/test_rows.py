"""One contract for every vector store: rows."""

import asyncio

import pytest

from search.domain import Filter, Page, Row, VectorStore
from tests.contracts.vector_stores.ranking import ALL, ids, truth
from tests.search.fakes import unit
from tests.search.vector_rows import ROWS, row


async def test_an_empty_store_finds_nothing(store: VectorStore) -> None:
    found = await store.search(ROWS[0].vector, Page(), ALL)
    assert (found.hits, found.total) == ([], 0)
    assert await store.get(ROWS[0].item.id) is None


async def test_a_row_finds_itself_first_with_all_its_fields(store: VectorStore) -> None:
    await store.upsert(ROWS)
    found = await store.search(ROWS[4].vector, Page(top_k=3), ALL)
    assert found.hits[0].item == ROWS[4].item
    assert found.hits[0].score == pytest.approx(1, abs=1e-3)
    assert found.total == 20


async def test_a_row_comes_back_by_its_id(store: VectorStore) -> None:
    await store.upsert(ROWS[:3])
    found = await store.get(ROWS[1].item.id)
    assert found is not None
    assert found.item == ROWS[1].item
    assert float(found.vector @ ROWS[1].vector) == pytest.approx(1, abs=1e-3)


async def test_hits_come_best_first_and_pages_join(store: VectorStore) -> None:
    await store.upsert(ROWS)
    pages = [await ids(store, Page(top_k=7, offset=offset)) for offset in (0, 7, 14, 21)]
    assert [len(page) for page in pages] == [7, 7, 6, 0]
    assert [number for page in pages for number in page] == truth()


async def test_upsert_replaces_and_never_doubles(store: VectorStore) -> None:
    await store.upsert(ROWS[:5])
    await store.upsert([row(1, width=7)])
    await store.upsert(ROWS[1:3])
    statistics = await store.statistics()
    assert statistics.stored == 5
    changed = await store.get(ROWS[0].item.id)
    assert changed is not None
    assert changed.item.width == 7


async def test_a_deleted_row_is_gone_and_deleting_again_does_nothing(store: VectorStore) -> None:
    await store.upsert(ROWS)
    await store.delete([ROWS[4].item.id])
    await store.delete([ROWS[4].item.id])
    assert await store.get(ROWS[4].item.id) is None
    assert await ids(store, Page(top_k=20)) == [number for number in truth() if number != 5]


async def test_all_rows_can_be_read(store: VectorStore) -> None:
    await store.upsert(ROWS)
    read = [each.item async for batch in store.rows() for each in batch]
    assert sorted(read, key=lambda item: item.id) == [each.item for each in ROWS]


async def test_many_rows_are_deleted_at_once_and_those_not_there_passed_over(
    store: VectorStore,
) -> None:
    await store.upsert(ROWS)
    left = {3, 20}
    await store.delete([row(number).item.id for number in range(1, 30) if number not in left])
    assert set(await ids(store, Page(top_k=20))) == left
    assert (await store.statistics()).stored == 2


async def test_nothing_is_written_and_deleted_in_silence(store: VectorStore) -> None:
    await store.upsert([])
    await store.delete([])
    assert (await store.statistics()).stored == 0


async def test_a_thousand_rows_are_written_and_deleted_at_once_but_not_more(
    store: VectorStore,
) -> None:
    rows = [row(number) for number in range(1, 1002)]
    with pytest.raises(AssertionError):
        await store.upsert(rows)
    await store.upsert(rows[:1000])
    assert (await store.statistics()).stored == 1000
    with pytest.raises(AssertionError):
        await store.delete([each.item.id for each in rows])
    await store.delete([each.item.id for each in rows[:1000]])
    assert (await store.statistics()).stored == 0


async def test_equal_scores_come_in_the_order_of_ids(store: VectorStore) -> None:
    same = [Row(each.item, ROWS[0].vector) for each in ROWS[7:2:-1]]
    await store.upsert([*same, *ROWS[10:]])
    found = await store.search(ROWS[0].vector, Page(top_k=5), ALL)
    assert [int(hit.item.id, 16) for hit in found.hits] == [4, 5, 6, 7, 8]


async def test_searches_at_once_get_what_they_get_alone(store: VectorStore) -> None:
    await store.upsert(ROWS)
    asked = [
        (unit(str(number).encode()), Page(1 + number % 7, number % 5), accept)
        for number in range(40)
        for accept in (ALL, Filter(min_width=300 * (number % 3)))
    ]
    alone = [await store.search(*each) for each in asked]
    together = await asyncio.gather(*(store.search(*each) for each in asked))
    for one, other in zip(alone, together, strict=True):
        assert [hit.item for hit in one.hits] == [hit.item for hit in other.hits]
        scores = [hit.score for hit in other.hits]
        assert scores == pytest.approx([hit.score for hit in one.hits], abs=1e-3)
        assert one.total == other.total


async def test_a_caller_that_leaves_takes_nobody_along(store: VectorStore) -> None:
    await store.upsert(ROWS)
    searches = [asyncio.create_task(store.search(each.vector, Page(top_k=1), ALL)) for each in ROWS]
    await asyncio.sleep(0)
    for search in searches[::2]:
        search.cancel()
    await asyncio.gather(*searches, return_exceptions=True)
    stayed = [await search for search in searches[1::2]]
    assert [each.hits[0].item for each in stayed] == [each.item for each in ROWS[1::2]]
