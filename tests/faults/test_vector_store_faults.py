"""Milvus Lite killed in the middle of its work: nothing acknowledged is lost or counted twice."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from facetkit.errors import Unavailable
from search.adapters.milvus import MilvusStore
from search.adapters.milvus_collections import MilvusCollections
from search.domain import ModelInfo, Row, VectorStore
from tests.search.fakes import MODEL
from tests.search.milvus_lite import MilvusLite
from tests.search.vector_rows import ROWS, row

pytestmark = pytest.mark.slow


@pytest.fixture
def lite(tmp_path: Path) -> MilvusLite:
    server = MilvusLite(tmp_path)
    server.start()
    return server


@pytest.fixture
async def store(lite: MilvusLite) -> AsyncIterator[MilvusStore]:
    made = MilvusStore(lite.uri, lite_flush_s=0.2)
    await made.open(ModelInfo("fake", uuid.uuid4().hex, "fake", MODEL.dimensions))
    yield made
    await made.close()
    lite.stop()


async def write_until_refused(store: VectorStore, first: int) -> list[str]:
    """Upserts row after row; the ids that were acknowledged."""
    acknowledged: list[str] = []
    while True:
        written = row(first + len(acknowledged) + 1)
        try:
            await store.upsert([written])
        except Unavailable:
            return acknowledged
        acknowledged.append(written.item.id)


async def stored_ids(store: VectorStore) -> list[str]:
    """All ids, once the store answers again."""
    for _ in range(100):
        try:
            await store.statistics()
            break
        except Unavailable:
            await asyncio.sleep(0.1)
    return [each.item.id async for batch in store.rows() for each in batch]


async def test_kill_9_between_concurrent_writes_and_flushes_loses_nothing(
    lite: MilvusLite, store: MilvusStore
) -> None:
    writers = [
        asyncio.create_task(write_until_refused(store, caller * 1_000_000)) for caller in range(6)
    ]
    await asyncio.sleep(2)
    await asyncio.to_thread(lite.kill)
    acknowledged = [item_id for ids in await asyncio.gather(*writers) for item_id in ids]
    await asyncio.to_thread(lite.start)
    stored = await stored_ids(store)
    assert len(acknowledged) > 100
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored)) == (await store.statistics()).stored


async def test_a_log_that_outlives_its_flush_is_not_counted_twice(
    lite: MilvusLite, store: MilvusStore, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kept = tmp_path_factory.mktemp("kept")
    rows: list[Row] = ROWS
    await store.upsert(rows)
    logs = list(tmp_path.rglob("wal_*"))
    assert logs
    for log in logs:
        shutil.copy(log, kept / log.name)
    await store.statistics()
    await asyncio.to_thread(lite.kill)
    for log in logs:
        shutil.copy(kept / log.name, log)
    await asyncio.to_thread(lite.start)
    stored = await stored_ids(store)
    assert sorted(stored) == [each.item.id for each in rows]
    assert (await store.statistics()).stored == len(rows)


async def test_kill_9_between_writes_to_two_collections_loses_nothing_and_keeps_the_alias(
    lite: MilvusLite,
) -> None:
    collections = MilvusCollections(lite.uri, lite_flush_s=0.2, matrix=False)
    models = [ModelInfo("fake", version, "fake", MODEL.dimensions) for version in ("1", "2")]
    stores = [collections.store() for _ in models]
    for store, model in zip(stores, models, strict=True):
        await store.open(model)
    await collections.switch(collections.name(models[1]))
    writers = [
        asyncio.create_task(write_until_refused(store, caller * 1_000_000))
        for store in stores
        for caller in range(3)
    ]
    await asyncio.sleep(2)
    await asyncio.to_thread(lite.kill)
    acknowledged = await asyncio.gather(*writers)
    await asyncio.to_thread(lite.start)
    for store, written in zip(stores, (acknowledged[:3], acknowledged[3:]), strict=True):
        stored = await stored_ids(store)
        assert min(map(len, written)) > 10
        assert {item_id for ids in written for item_id in ids} <= set(stored)
        assert len(stored) == len(set(stored)) == (await store.statistics()).stored
        await store.close()
    assert await collections.active() == collections.name(models[1])
    lite.stop()
