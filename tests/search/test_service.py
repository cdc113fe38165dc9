import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from facetkit.errors import InvalidInput, NotFound, NotReady, Unavailable, UnsupportedMedia
from facetkit.local_objects import LocalObjectStore
from search.adapters.matrix_store import MatrixStore
from search.domain import Filter, ModelInfo, Page, Row
from search.service import Query, SearchService
from tests.search.fakes import FakeEmbedder, MemoryVectorStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class World:
    """A service over fakes, the folder store and the matrix."""

    def __init__(self, folder: Path, durable: MemoryVectorStore | None = None) -> None:
        self.embedder = FakeEmbedder()
        self.durable = durable or MemoryVectorStore()
        self.store = MatrixStore(self.durable, settle_every_s=0.01)
        self.objects = LocalObjectStore(folder)
        self.service = SearchService(self.embedder, self.store, self.objects, lambda: NOW)

    async def keys(self) -> list[str]:
        return [info.key async for info in self.objects.list()]


@pytest.fixture
async def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    await made.service.open()
    return made


async def find(world: World, query: Query, page: Page | None = None) -> list[str]:
    found = await world.service.search(query, page or Page(), Filter())
    return [hit.item.key for hit in found.hits]


async def test_a_stored_image_is_found_by_picture_text_and_key(world: World) -> None:
    item, duplicate = await world.service.store_image(b"ring")
    await world.service.store_image(b"dog")
    assert not duplicate
    assert (await find(world, Query(image=b"ring")))[0] == item.key
    assert (await find(world, Query(text="ring")))[0] == item.key
    assert (await find(world, Query(key=item.key)))[0] == item.key
    assert (await world.objects.get(item.key)).content == b"ring"


async def test_the_same_bytes_are_stored_once_also_under_a_race(world: World) -> None:
    outcomes = await asyncio.gather(*(world.service.store_image(b"ring") for _ in range(32)))
    assert sorted(duplicate for _, duplicate in outcomes) == [False] + [True] * 31
    assert len({item.key for item, _ in outcomes}) == 1
    assert len(await world.keys()) == 1
    assert (await world.service.statistics()).stored == 1


async def test_a_bad_image_leaves_nothing_behind(world: World) -> None:
    with pytest.raises(UnsupportedMedia):
        await world.service.store_image(b"bad")
    assert await world.keys() == []
    assert (await world.service.statistics()).stored == 0


async def test_a_lost_object_is_written_again_with_its_duplicate(world: World) -> None:
    item, _ = await world.service.store_image(b"ring")
    await world.objects.delete(item.key)
    _, duplicate = await world.service.store_image(b"ring")
    assert duplicate
    assert await world.keys() == [item.key]


async def test_what_failed_half_way_succeeds_when_repeated(world: World) -> None:
    world.durable.away = True
    with pytest.raises(Unavailable):
        await world.service.store_image(b"ring")
    world.durable.away = False
    item, _ = await world.service.store_image(b"ring")
    assert await world.keys() == [item.key]
    assert (await world.service.statistics()).stored == 1


async def test_delete_removes_row_and_object(world: World) -> None:
    item, _ = await world.service.store_image(b"ring")
    await world.service.delete_image(item.key)
    assert await world.keys() == []
    assert await find(world, Query(image=b"ring")) == []
    with pytest.raises(NotFound):
        await world.service.delete_image(item.key)


async def test_a_delete_that_failed_half_way_can_be_repeated(world: World) -> None:
    item, _ = await world.service.store_image(b"ring")
    await world.store.delete(item.id)
    await world.service.delete_image(item.key)
    assert await world.keys() == []


@pytest.mark.parametrize(
    "key", ["", "images/x.jpg", "../etc/passwd", "images/" + "0" * 64 + ".gif"]
)
async def test_unknown_keys_are_not_found(world: World, key: str) -> None:
    with pytest.raises(NotFound):
        await world.service.delete_image(key)
    with pytest.raises(NotFound):
        await find(world, Query(key=key))


@pytest.mark.parametrize(
    ("query", "page", "field"),
    [
        (Query(), Page(), "image"),
        (Query(text="a", key="b"), Page(), "image"),
        (Query(text=" "), Page(), "text"),
        (Query(text="x" * 2001), Page(), "text"),
        (Query(text="a"), Page(top_k=0), "top_k"),
        (Query(text="a"), Page(top_k=101), "top_k"),
        (Query(text="a"), Page(offset=-1), "offset"),
        (Query(text="a"), Page(top_k=5, offset=16_380), "offset"),
    ],
)
async def test_bad_queries_name_the_field(
    world: World, query: Query, page: Page, field: str
) -> None:
    with pytest.raises(InvalidInput, match=f"'{field}'"):
        await find(world, query, page)


async def test_before_it_is_open_nothing_is_accepted(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.service.reason = "waiting for vision-models"
    for call in (
        world.service.store_image(b"ring"),
        world.service.search(Query(text="a"), Page(), Filter()),
        world.service.delete_image("images/" + "0" * 64 + ".jpg"),
    ):
        with pytest.raises(NotReady, match="waiting for vision-models"):
            await call


async def test_vectors_of_another_model_are_never_mixed_in(world: World) -> None:
    await world.service.store_image(b"ring")
    world.embedder.info = ModelInfo("other", "2", "fake", 32)
    with pytest.raises(NotReady, match="other 2"):
        await world.service.store_image(b"dog")
    with pytest.raises(NotReady, match="other 2"):
        await find(world, Query(text="ring"))
    assert len(await world.keys()) == 1


class SlowStore(MemoryVectorStore):
    """Writes only when told."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.go = asyncio.Event(), asyncio.Event()

    async def upsert(self, rows: Sequence[Row]) -> None:
        self.entered.set()
        await self.go.wait()
        await super().upsert(rows)


async def test_accepted_work_goes_on_when_the_caller_leaves(tmp_path: Path) -> None:
    durable = SlowStore()
    world = World(tmp_path, durable)
    await world.service.open()
    call = asyncio.create_task(world.service.store_image(b"ring"))
    await durable.entered.wait()
    call.cancel()
    await asyncio.sleep(0.01)
    durable.go.set()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await world.service.statistics()).stored == 1
    assert (await find(world, Query(image=b"ring"))) == await world.keys()
