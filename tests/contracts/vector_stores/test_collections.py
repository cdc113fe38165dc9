"""One contract for the collections of every vector store."""

from collections.abc import AsyncIterator

import pytest
from pymilvus import MilvusClient

from facetkit.errors import Conflict, NotFound
from search.adapters.milvus_calls import GRPC_OPTIONS
from search.domain import Collections, ModelInfo
from tests.contracts.vector_stores.making import (
    make_collections,
    new_alias,
    new_model,
    uri_and_token,
)
from tests.search.milvus_lite import MilvusLite
from tests.search.vector_rows import ROWS

FIRST, SECOND = new_model(), new_model()


@pytest.fixture
async def collections(keeper: str, matrix: bool, lite: MilvusLite) -> AsyncIterator[Collections]:
    """Collections of which none answers yet; FIRST and SECOND are removed at the end."""
    alias = new_alias()
    made = make_collections(keeper, lite, alias, matrix=matrix)
    yield made
    if keeper != "memory":
        client = MilvusClient(*uri_and_token(keeper, lite), grpc_options=GRPC_OPTIONS)
        client.drop_alias(alias)
        for model in (FIRST, SECOND):
            client.drop_collection(made.name(model))
        client.close()


async def write(collections: Collections, model: ModelInfo, numbers: slice) -> None:
    """Writes rows into the model's collection, which is made where it is missing."""
    store = collections.store()
    await store.open(model)
    await store.upsert(ROWS[numbers])
    await store.close()


async def count(collections: Collections, model: ModelInfo) -> int:
    """How many rows the model's collection has."""
    store = collections.store()
    await store.open(model)
    statistics = await store.statistics()
    await store.close()
    assert statistics.collection == collections.name(model)
    return statistics.stored


async def test_every_model_has_a_collection_of_its_own(collections: Collections) -> None:
    models = [
        ModelInfo("clip", "1", "demo", 32),
        ModelInfo("clip", "2", "demo", 32),
        ModelInfo("clip", "1", "full", 32),
        ModelInfo("other-clip", "1", "demo", 32),
    ]
    assert len({collections.name(model) for model in models}) == len(models)
    assert collections.name(models[0]) == collections.name(ModelInfo("clip", "1", "demo", 32))


async def test_at_first_none_answers(collections: Collections) -> None:
    assert await collections.active() == ""


async def test_what_is_switched_to_answers(collections: Collections) -> None:
    for model in (FIRST, SECOND):
        await (store := collections.store()).open(model)
        await store.close()
    for model in (FIRST, SECOND, SECOND, FIRST):
        await collections.switch(collections.name(model))
        assert await collections.active() == collections.name(model)


async def test_nothing_switches_to_what_is_not_there(collections: Collections) -> None:
    await write(collections, FIRST, slice(1))
    await collections.switch(collections.name(FIRST))
    with pytest.raises(NotFound):
        await collections.switch(collections.name(SECOND))
    assert await collections.active() == collections.name(FIRST)


async def test_stores_of_one_model_share_their_rows_and_those_of_two_do_not(
    collections: Collections,
) -> None:
    await write(collections, FIRST, slice(5))
    await write(collections, FIRST, slice(3, 8))
    assert await count(collections, FIRST) == 8
    assert await count(collections, SECOND) == 0


async def test_what_answers_is_not_dropped(collections: Collections) -> None:
    await write(collections, FIRST, slice(5))
    await collections.switch(collections.name(FIRST))
    with pytest.raises(Conflict):
        await collections.drop(collections.name(FIRST))
    assert await collections.active() == collections.name(FIRST)
    assert await count(collections, FIRST) == 5


async def test_a_dropped_collection_begins_anew(collections: Collections) -> None:
    await write(collections, FIRST, slice(5))
    for _ in range(2):
        await collections.drop(collections.name(FIRST))
    assert await count(collections, FIRST) == 0


async def test_one_collection_is_filled_while_another_answers(collections: Collections) -> None:
    await write(collections, FIRST, slice(5))
    await collections.switch(collections.name(FIRST))
    await write(collections, SECOND, slice(2, 9))
    assert await collections.active() == collections.name(FIRST)
    assert await count(collections, FIRST) == 5
    await collections.switch(collections.name(SECOND))
    await collections.drop(collections.name(FIRST))
    assert await collections.active() == collections.name(SECOND)
    assert await count(collections, SECOND) == 7
