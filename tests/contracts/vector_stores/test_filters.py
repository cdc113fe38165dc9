"""One contract for every vector store: filters."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from search.domain import Filter, Page, VectorStore
from tests.contracts.vector_stores.making import opened_store
from tests.contracts.vector_stores.ranking import ids, truth
from tests.search.milvus_lite import MilvusLite
from tests.search.vector_rows import BEGIN, ROWS, row

KEYS = [
    "shop/gold ring.jpg",
    "shop/gold%20ring.jpg",
    "shop/gold_ring.jpg",
    "shop/goldXring.jpg",
    "shop/",
    "shop",
    "Shop/gold ring.jpg",
    "товары/кольцо 1.jpg",
    "товары/колье.jpg",
    "товарищи.jpg",
    "100%/a.jpg",
    "100 %/a.jpg",
    "1000/a.jpg",
    "it's/a.jpg",
    'an "inch"/a.jpg',
    "back\\slash/a.jpg",
    "back\\\\slash/a.jpg",
    "tab\there/a.jpg",
    "line\nbreak/a.jpg",
    "{key}/a.jpg",
    "\ud7ff.jpg",
    "\ue000.jpg",
    "💍/a.jpg",
    "\U0010ffff/a.jpg",
    "\U0010ffff\U0010ffff.jpg",
]


@pytest.fixture(scope="module")
async def shop(keeper: str, matrix: bool, lite: MilvusLite) -> AsyncIterator[VectorStore]:
    """A store with `KEYS`, not to be written to."""
    async with opened_store(keeper, lite, matrix=matrix) as store:
        await store.upsert([row(number, key=key) for number, key in enumerate(KEYS, 1)])
        yield store


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
        (Filter(created_after=BEGIN + timedelta(days=19, microseconds=1)), {20}),
        (Filter(created_before=BEGIN + timedelta(days=3, microseconds=1)), {1, 2, 3}),
        (Filter(min_size_bytes=1018), {18, 19, 20}),
        (Filter(max_size_bytes=1002), {1, 2}),
        (Filter(min_size_bytes=1004, max_size_bytes=1005), {4, 5}),
        (Filter(min_size_bytes=1005, max_size_bytes=1004), set()),
        (Filter(max_size_bytes=2**64 - 1), set(range(1, 21))),
        (Filter(min_size_bytes=2**64 - 1), set()),
        (Filter(min_width=2**32 - 1), set()),
        (Filter(prefix="images"), set(range(1, 21))),
        (Filter(prefix="images/"), set(range(1, 21))),
        (Filter(prefix="images/" + 62 * "0"), set(range(1, 21))),
        (Filter(prefix="images/" + 62 * "0" + "1"), {16, 17, 18, 19, 20}),
        (Filter(prefix="images/" + 63 * "0" + "7"), {7}),
        (Filter(prefix="images/" + 63 * "0" + "7.p"), {7}),
        (Filter(prefix="images/" + 63 * "0" + "7.png"), {7}),
        (Filter(prefix="images/" + 63 * "0" + "7.jpg"), set()),
        (Filter(prefix="images/" + 63 * "0" + "7.png/"), set()),
        (Filter(prefix="images/" + 63 * "0" + "A"), set()),
        (Filter(prefix="images//"), set()),
        (Filter(prefix="Images/"), set()),
        (Filter(prefix="nowhere/", prefix_ids=frozenset({f"{3:064x}", f"{9:064x}"})), {3, 9}),
        (Filter(prefix="images/", prefix_ids=frozenset({f"{3:064x}"})), set(range(1, 21))),
        (Filter(prefix="nowhere/", prefix_ids=frozenset({f"{99:064x}"})), set()),
        (
            Filter(
                prefix="images/" + 62 * "0" + "1",
                prefix_ids=frozenset({f"{3:064x}"}),
                max_size_bytes=1017,
            ),
            {3, 16, 17},
        ),
    ],
)
async def test_filters_restrict_hits_and_total(
    filled: VectorStore, accept: Filter, expected: set[int]
) -> None:
    found = await filled.search(ROWS[4].vector, Page(top_k=20), accept)
    assert {int(hit.item.id, 16) for hit in found.hits} == expected
    assert found.total == len(expected)


async def test_filtered_pages_keep_the_order(filled: VectorStore) -> None:
    accept = Filter(min_width=1000)
    pages = [await ids(filled, Page(top_k=4, offset=offset), accept) for offset in (0, 4, 8)]
    assert [number for page in pages for number in page] == truth(accept)


@pytest.mark.parametrize(
    "prefix",
    [
        *KEYS,
        "gold",
        "shop/gold%",
        "shop/gold_",
        "shop/gold ",
        "%",
        "_",
        '"',
        "'",
        "\\",
        "тов",
        "товары/кол",
        "1",
        "100",
        "100%",
        "it's",
        'an "',
        "back\\",
        "\U0010ffff",
        "\U0010fffe",
    ],
)
async def test_a_prefix_means_itself(shop: VectorStore, prefix: str) -> None:
    found = await shop.search(ROWS[4].vector, Page(top_k=100), Filter(prefix=prefix))
    assert sorted(hit.item.key for hit in found.hits) == sorted(
        key for key in KEYS if key.startswith(prefix)
    )
    assert found.total == len(found.hits)


async def test_a_filter_sees_what_was_written_since(store: VectorStore) -> None:
    accept = Filter(prefix="shop/")
    await store.upsert([row(1, key="shop/1.jpg"), *ROWS[1:3]])
    assert await ids(store, Page(), accept) == [1]
    await store.upsert([row(2, key="shop/2.jpg")])
    assert set(await ids(store, Page(), accept)) == {1, 2}
    await store.upsert([row(1)])
    assert await ids(store, Page(), accept) == [2]
    await store.delete([row(2).item.id])
    assert await ids(store, Page(), accept) == []
