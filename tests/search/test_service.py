import dataclasses
from collections.abc import Sequence

import pytest

from facetkit.errors import InvalidInput, NotFound, NotReady
from search.adapters.database import Database
from search.domain import Filter, Page
from search.service import Query
from tests.search.fakes import FakeEmbedder, MemoryCollections, unit
from tests.search.parts import Parts
from tests.search.watched_objects import WatchedObjects, fill


async def find(parts: Parts, query: Query, page: Page | None = None) -> list[str]:
    found = await parts.service.search(query, page or Page(), Filter())
    return [hit.item.key for hit in found.hits]


async def shown(parts: Parts, objects: WatchedObjects, contents: dict[str, bytes]) -> None:
    await fill(objects, contents)
    assert not (await parts.synchronise()).failed


async def test_an_image_is_found_by_picture_text_key_and_vector(
    parts: Parts, objects: WatchedObjects
) -> None:
    await shown(parts, objects, {"ring.jpg": b"ring", "dog.jpg": b"dog"})
    doubled: Sequence[float] = (2 * unit(b"ring")).tolist()
    for query in (
        Query(image=b"ring"),
        Query(text="ring"),
        Query(key="ring.jpg"),
        Query(vector=doubled),
    ):
        found = await parts.service.search(query, Page(), Filter())
        assert [hit.item.key for hit in found.hits] == ["ring.jpg", "dog.jpg"]
        assert found.hits[0].score == pytest.approx(1)
        assert found.total == 2


async def test_each_key_of_an_image_finds_it(parts: Parts, objects: WatchedObjects) -> None:
    await shown(parts, objects, {"a.jpg": b"ring", "b.jpg": b"ring"})
    assert await find(parts, Query(key="a.jpg")) == await find(parts, Query(key="b.jpg"))


async def test_an_image_is_found_under_the_key_that_a_prefix_asks_for(
    parts: Parts, objects: WatchedObjects
) -> None:
    await shown(parts, objects, {"a/1.jpg": b"ring", "b/1.jpg": b"ring", "b/2.jpg": b"dog"})
    ring, dog = (await parts.nearest(b"ring")).id, (await parts.nearest(b"dog")).id
    assert await parts.found("a/") == {"a/1.jpg": ring}
    assert await parts.found("b/") == {"b/1.jpg": ring, "b/2.jpg": dog}
    assert len(await parts.found()) == 2
    assert await parts.found("c/") == {}


@pytest.mark.parametrize(
    "key", ["", "images/x.jpg", "../etc/passwd", "images/" + "0" * 64 + ".gif"]
)
async def test_unknown_keys_are_not_found(parts: Parts, key: str) -> None:
    with pytest.raises(NotFound):
        await find(parts, Query(key=key))


async def test_a_broken_image_is_not_found_by_its_key(
    parts: Parts, objects: WatchedObjects
) -> None:
    await fill(objects, {"bad.jpg": b"bad"})
    await parts.synchronise()
    with pytest.raises(NotFound):
        await find(parts, Query(key="bad.jpg"))


@pytest.mark.parametrize(
    ("query", "page", "field"),
    [
        (Query(), Page(), "image"),
        (Query(text="a", key="b"), Page(), "image"),
        (Query(text=" "), Page(), "text"),
        (Query(text="x" * 2001), Page(), "text"),
        (Query(vector=[]), Page(), "vector"),
        (Query(vector=[1.0] * 31), Page(), "vector"),
        (Query(vector=[0.0] * 32), Page(), "vector"),
        (Query(vector=[float("nan")] * 32), Page(), "vector"),
        (Query(vector=[float("inf")] * 32), Page(), "vector"),
        (Query(text="a"), Page(top_k=0), "top_k"),
        (Query(text="a"), Page(top_k=101), "top_k"),
        (Query(text="a"), Page(offset=-1), "offset"),
        (Query(text="a"), Page(top_k=5, offset=16_380), "offset"),
    ],
)
async def test_bad_queries_name_the_field(
    parts: Parts, query: Query, page: Page, field: str
) -> None:
    with pytest.raises(InvalidInput, match=f"'{field}'"):
        await find(parts, query, page)


async def test_before_it_is_open_nothing_is_accepted(
    database: Database,
    objects: WatchedObjects,
    collections: MemoryCollections,
    embedder: FakeEmbedder,
) -> None:
    parts = Parts(database, objects, collections, [embedder])
    parts.index.reason = "waiting for vision-models"
    for call in (
        parts.originals.store(b"ring"),
        parts.service.search(Query(text="a"), Page(), Filter()),
        parts.originals.delete("images/" + "0" * 64 + ".jpg"),
        parts.service.statistics(),
    ):
        with pytest.raises(NotReady, match="waiting for vision-models"):
            await call


async def test_vectors_of_another_model_are_never_mixed_in(
    parts: Parts, objects: WatchedObjects, embedder: FakeEmbedder
) -> None:
    await shown(parts, objects, {"ring.jpg": b"ring"})
    embedder.info = dataclasses.replace(embedder.info, version="2")
    for query in (Query(text="ring"), Query(image=b"ring")):
        with pytest.raises(NotReady, match="fake-clip 2"):
            await find(parts, query)
    with pytest.raises(NotReady):
        await parts.originals.store(b"dog")
    assert [info.key async for page in objects.pages() for info in page] == ["ring.jpg"]
    assert await find(parts, Query(key="ring.jpg")) == ["ring.jpg"]


async def test_statistics_count_keys_images_and_what_cannot_be_indexed(
    parts: Parts, objects: WatchedObjects
) -> None:
    await fill(objects, {"a.jpg": b"ring", "b.jpg": b"ring", "c.jpg": b"dog", "bad.jpg": b"bad"})
    await parts.synchronise()
    told = await parts.service.statistics()
    assert (told.counts.keys, told.counts.broken_keys, told.counts.images) == (4, 1, 2)
    assert (told.rows.stored, told.building, told.built) == (2, "", 0)
    assert told.model == parts.service.model
