from collections.abc import AsyncIterator
from datetime import UTC, datetime

from facetkit.memory_objects import MemoryObjectStore
from facetkit.objects import ObjectInfo
from search.adapters.database import Database
from search.adapters.sql_manifest import SqlManifest
from search.manifest import Entry
from search.sync.listing import WINDOW, differences

PAGE = 1000


def info(number: int, etag: str = "1") -> ObjectInfo:
    return ObjectInfo(f"{number:06}.jpg", 5, etag, datetime.now(UTC), "image/jpeg")


class Listed(MemoryObjectStore):
    """Lists what it is told to; `asked` counts pages."""

    def __init__(self, infos: list[ObjectInfo]) -> None:
        super().__init__()
        self.infos, self.asked = infos, 0

    async def pages(self, prefix: str = "", *, after: str = "") -> AsyncIterator[list[ObjectInfo]]:
        for start in range(0, len(self.infos), PAGE):
            self.asked += 1
            yield self.infos[start : start + PAGE]


async def known(database: Database, *infos: ObjectInfo) -> SqlManifest:
    manifest = SqlManifest(database.engine)
    await manifest.record([Entry(each.key, each.etag, each.size) for each in infos], [], {})
    return manifest


async def test_a_long_listing_is_compared_in_windows(database: Database) -> None:
    objects = Listed([info(number) for number in range(2, 12_000, 2)])
    manifest = await known(
        database,
        info(1),
        info(2),
        info(4, "old"),
        info(9_999),
        info(12_001),
    )
    found = [each async for each in differences(objects, manifest)]
    assert sum(each.listed for each in found) == 5999
    assert all(each.listed <= WINDOW for each in found)
    assert len(found) == 2
    assert [key for each in found for key in each.missing] == [
        info(1).key,
        info(9_999).key,
        info(12_001).key,
    ]
    changed = [each.key for found_ in found for each in found_.changed]
    assert changed == [info(number).key for number in range(4, 12_000, 2)]


async def test_no_page_grows_old_while_its_forerunners_are_worked_on(database: Database) -> None:
    objects = Listed([info(number) for number in range(3 * WINDOW)])
    manifest = await known(database)
    seen = 0
    async for each in differences(objects, manifest):
        seen += each.listed
        assert objects.asked * PAGE == seen


async def test_an_empty_listing_lacks_everything(database: Database) -> None:
    manifest = await known(database, info(1), info(2))
    found = [each async for each in differences(Listed([]), manifest)]
    assert [(each.listed, each.missing) for each in found] == [(0, [info(1).key, info(2).key])]
