"""One contract for every vector store: Milvus, the matrix beside it, and the fake."""

import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from search.adapters.matrix_store import MatrixStore
from search.adapters.milvus import MilvusStore
from search.domain import Filter, Item, ModelInfo, Page, Row, VectorStore
from tests.search.fakes import MODEL, MemoryVectorStore, unit
from tests.search.milvus_lite import MilvusLite

BEGIN = datetime(2026, 1, 1, 12, 0, 0, 123000, UTC)
ALL = Filter()


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusLite]:
    server = MilvusLite(tmp_path_factory.mktemp("milvus"))
    server.start()
    yield server
    server.stop()


def make_store(kind: str, milvus: MilvusLite) -> VectorStore:
    if kind == "memory":
        return MemoryVectorStore()
    if kind == "matrix-memory":
        return MatrixStore(MemoryVectorStore())
    store = MilvusStore(milvus.uri, lite_flush_s=0.05)
    return store if kind == "milvus" else MatrixStore(store)


@pytest.fixture(params=["memory", "milvus", "matrix-memory", "matrix-milvus"])
async def store(request: pytest.FixtureRequest, milvus: MilvusLite) -> AsyncIterator[VectorStore]:
    made = make_store(request.param, milvus)
    await made.open(ModelInfo("fake", uuid.uuid4().hex, "fake", MODEL.dimensions))
    yield made
    await made.close()


def row(number: int, **changes: object) -> Row:
    item_id = f"{number:064x}"
    values: dict[str, object] = {
        "id": item_id,
        "key": f"images/{item_id}.jpg",
        "content_type": "image/png" if number % 2 else "image/jpeg",
        "size_bytes": 1000 + number,
        "width": 100 * number,
        "height": 50 * number,
        "created_at": BEGIN + timedelta(days=number % 1000),
    }
    item = Item(**(values | changes))  # type: ignore[arg-type]
    return Row(item, unit(item_id.encode()))


ROWS = [row(number) for number in range(1, 21)]


async def ids(store: VectorStore, page: Page, accept: Filter = ALL) -> list[int]:
    found = await store.search(ROWS[4].vector, page, accept)
    return [int(hit.item.id, 16) for hit in found.hits]


def truth(accept: Filter = ALL) -> list[int]:
    """The numbers of the accepted rows, nearest to row 5 first."""
    query = ROWS[4].vector
    ordered = sorted(ROWS, key=lambda row: -float(row.vector @ query))
    accepted = [each for each in ordered if each.item.width >= accept.min_width]
    return [int(each.item.id, 16) for each in accepted]


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
    await store.delete(ROWS[4].item.id)
    await store.delete(ROWS[4].item.id)
    assert await store.get(ROWS[4].item.id) is None
    assert await ids(store, Page(top_k=20)) == [number for number in truth() if number != 5]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (Filter(min_width=1500), set(range(15, 21))),
        (Filter(min_height=900), set(range(18, 21))),
        (Filter(content_types=("image/png",)), set(range(1, 21, 2))),
        (Filter(content_types=("image/png", "image/jpeg")), set(range(1, 21))),
        (Filter(content_types=("image/webp",)), set()),
        (Filter(created_after=BEGIN + timedelta(days=19)), {19, 20}),
        (Filter(created_before=BEGIN + timedelta(days=3)), {1, 2}),
        (Filter(min_width=300, created_before=BEGIN + timedelta(days=5)), {3, 4}),
    ],
)
async def test_filters_restrict_hits_and_total(
    store: VectorStore, accept: Filter, expected: set[int]
) -> None:
    await store.upsert(ROWS)
    found = await store.search(ROWS[4].vector, Page(top_k=20), accept)
    assert {int(hit.item.id, 16) for hit in found.hits} == expected
    assert found.total == len(expected)


async def test_filtered_pages_keep_the_order(store: VectorStore) -> None:
    await store.upsert(ROWS)
    accept = Filter(min_width=1000)
    pages = [await ids(store, Page(top_k=4, offset=offset), accept) for offset in (0, 4, 8)]
    assert [number for page in pages for number in page] == truth(accept)


async def test_all_rows_can_be_read(store: VectorStore) -> None:
    await store.upsert(ROWS)
    read = [each.item async for batch in store.rows() for each in batch]
    assert sorted(read, key=lambda item: item.id) == [each.item for each in ROWS]


async def test_another_model_has_rows_of_its_own(milvus: MilvusLite) -> None:
    first, second = (MatrixStore(MilvusStore(milvus.uri, lite_flush_s=10)) for _ in range(2))
    await first.open(ModelInfo("m", "a" + uuid.uuid4().hex, "fake", MODEL.dimensions))
    await first.upsert(ROWS)
    await second.open(ModelInfo("m", "b" + uuid.uuid4().hex, "fake", MODEL.dimensions))
    assert (await second.statistics()).stored == 0
    await first.close()
    await second.close()


async def test_reopening_finds_what_was_written(milvus: MilvusLite) -> None:
    model = ModelInfo("m", uuid.uuid4().hex, "fake", MODEL.dimensions)
    for expected in (0, 20):
        store = MatrixStore(MilvusStore(milvus.uri, lite_flush_s=10))
        await store.open(model)
        statistics = await store.statistics()
        assert (statistics.stored, statistics.in_matrix) == (expected, expected)
        await store.upsert(ROWS)
        await store.close()
