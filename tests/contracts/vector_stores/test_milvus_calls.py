"""What reaches Milvus, and how much of it at once."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from search.adapters.milvus_collections import MilvusCollections
from search.domain import Filter, Page
from tests.contracts.vector_stores.making import new_alias, new_model
from tests.search.fakes import unit
from tests.search.milvus_lite import MilvusLite
from tests.search.milvus_proxy import MilvusProxy, proxied
from tests.search.vector_rows import ROWS

SEARCHES = 30


@pytest.fixture
async def proxy(lite: MilvusLite) -> AsyncIterator[MilvusProxy]:
    """A proxy of Milvus Lite."""
    async with proxied(lite.uri) as made:
        yield made


async def test_whatever_is_written_to_lite_comes_one_at_a_time(proxy: MilvusProxy) -> None:
    collections = MilvusCollections(proxy.uri, lite_flush_s=0.01, matrix=False, alias=new_alias())
    models = [new_model(), new_model()]
    stores = [collections.store() for _ in models]
    await asyncio.gather(*(store.open(model) for store, model in zip(stores, models, strict=True)))
    await asyncio.gather(
        *(store.upsert([each]) for store in stores for each in ROWS),
        *(store.delete([each.item.id for each in ROWS[:3]]) for store in stores),
        *(store.statistics() for store in stores),
        *(collections.switch(collections.name(model)) for model in models),
        collections.drop(collections.name(new_model())),
    )
    for store in stores:
        await store.close()
    active = await collections.active()
    assert active in {collections.name(model) for model in models}
    assert proxy.calls["Upsert"] == 2 * len(ROWS)
    assert proxy.calls["Flush"] >= 2
    assert proxy.most_writes_at_once == 1


async def test_a_write_whose_caller_left_keeps_its_turn(proxy: MilvusProxy) -> None:
    collections = MilvusCollections(proxy.uri, lite_flush_s=10, matrix=False)
    await (store := collections.store()).open(new_model())
    writes = [asyncio.create_task(store.upsert([each])) for each in ROWS[:5]]
    while not proxy.calls["Upsert"]:
        await asyncio.sleep(0.001)
    for write in writes:
        write.cancel()
    await store.upsert(ROWS[5:6])
    await asyncio.gather(*writes, return_exceptions=True)
    assert proxy.calls["Upsert"] == 6
    assert proxy.most_writes_at_once == 1
    await store.close()


@pytest.mark.parametrize(("flush_s", "most"), [(0.01, 2), (None, 8)])
async def test_searches_that_wait_for_others_reach_milvus_together(
    proxy: MilvusProxy, flush_s: float | None, most: int
) -> None:
    collections = MilvusCollections(proxy.uri, lite_flush_s=flush_s, matrix=False)
    await (store := collections.store()).open(new_model())
    await store.upsert(ROWS)
    queries = [unit(str(number).encode()) for number in range(SEARCHES)]
    found = await asyncio.gather(*(store.search(each, Page(3), Filter()) for each in queries))
    assert proxy.calls["Search"] <= most
    assert len({each.hits[0].item.id for each in found}) > 3
    proxy.calls.clear()
    for query in queries[:3]:
        await store.search(query, Page(3), Filter())
    assert proxy.calls["Search"] == 3
    await store.close()
