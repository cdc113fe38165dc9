"""Brings what the database says of a collection in step with what the collection has."""

from collections.abc import Sequence

import structlog

from search.accepted import KeyedLocks
from search.domain import Row, VectorStore
from search.locking import holding_all
from search.manifest import Entry, Holdings, Image, Manifest

log = structlog.get_logger(__name__)

BATCH = 1000


class Reconciling:
    """For kills between two writes, and for data that was put back or taken away by hand.

    `locks` are by image; none are needed where nobody else writes.
    """

    def __init__(
        self, manifest: Manifest, holdings: Holdings, locks: KeyedLocks | None = None
    ) -> None:
        self._manifest, self._holdings = manifest, holdings
        self._locks = locks or KeyedLocks()

    async def open(self, collection: str, store: VectorStore) -> None:
        """Reconciles a collection unless the counts are equal, before anybody writes to it.

        Where no image is known at all its rows are taken over: the database was lost.
        """
        held = await self._holdings.count(collection)
        if held and (await store.statistics()).stored == held:
            return
        if (await self._manifest.counts()).images:
            await self.reconcile(collection, store)
        else:
            await self._adopt(collection, store)

    async def reconcile(self, collection: str, store: VectorStore) -> None:
        """Rows that were never recorded go, others get the names that their images have by now.

        What the collection turns out to lack is embedded again by the next rebuilding.
        """
        lacking = await self._holdings.ids(collection)
        async for rows in store.rows():
            image_ids = [row.item.id for row in rows]
            lacking.difference_update(image_ids)
            async with holding_all(self._locks, image_ids):
                await self._mend(collection, store, rows)
        left = sorted(lacking)
        for start in range(0, len(left), BATCH):
            some = left[start : start + BATCH]
            async with holding_all(self._locks, some):
                gone = [image_id for image_id in some if not await store.get(image_id)]
                await self._holdings.change(collection, [], gone)
        if left:
            log.warning("rows are lacking", collection=collection, rows=len(left))

    async def _mend(self, collection: str, store: VectorStore, rows: Sequence[Row]) -> None:
        image_ids = [row.item.id for row in rows]
        images = await self._manifest.images(image_ids)
        held = await self._holdings.of(image_ids)
        # Those of known images too: what was not recorded was not compared with the others either.
        gone = [each for each in image_ids if collection not in held.get(each, ())]
        await store.delete(gone)
        renamed = []
        for item in (row.item for row in rows if row.item.id in images):
            named = images[item.id].item
            if named.key != item.key and (row := await store.get(item.id)):
                renamed.append(Row(named, row.vector))
        await store.upsert(renamed)
        if gone or renamed:
            log.warning("rows mended", collection=collection, gone=len(gone), renamed=len(renamed))

    async def _adopt(self, collection: str, store: VectorStore) -> None:
        async for rows in store.rows():
            items = [row.item for row in rows]
            # Without an etag: the next synchronisation looks at each of them.
            entries = [Entry(item.key, "", item.size_bytes, item.id) for item in items]
            held = {collection: [item.id for item in items]}
            await self._manifest.record(entries, [Image(item) for item in items], held)
