"""Takes images out of the index, and names those anew whose key no longer leads to them."""

from collections.abc import Sequence
from dataclasses import replace

from search.accepted import KeyedLocks
from search.domain import Item, Row, id_of, is_original
from search.index import Index
from search.locking import holding_all
from search.manifest import Manifest

AT_ONCE = 100


class Retiring:
    """What happens to images when keys go. `locks` are by image."""

    def __init__(self, index: Index, manifest: Manifest, locks: KeyedLocks) -> None:
        self._index, self._manifest, self._locks = index, manifest, locks

    async def retire(self, image_ids: Sequence[str]) -> None:
        """Removes images to which no key leads; others get a name that does."""
        for start in range(0, len(image_ids), AT_ONCE):
            some = image_ids[start : start + AT_ONCE]
            async with holding_all(self._locks, some):
                await self.retire_held(some)

    async def retire_held(self, image_ids: Sequence[str]) -> None:
        """As `retire`, for at most 1,000 images whose locks the caller holds."""
        images = await self._manifest.images(image_ids)
        keys = await self._manifest.keys_of(image_ids)
        # Rows first: what is still known can be retired again.
        await self._remove([image_id for image_id in images if image_id not in keys])
        for image_id, leading in keys.items():
            image = images.get(image_id)
            if image and image.item.key not in leading:
                await self._rename(replace(image.item, key=_best(image_id, leading)))

    async def _remove(self, image_ids: Sequence[str]) -> None:
        if not image_ids:
            return
        for generation in self._index.generations:
            await generation.store.delete(image_ids)
        for image_id in image_ids:
            await self._manifest.forget_image(image_id)

    async def _rename(self, item: Item) -> None:
        for generation in self._index.generations:
            row = await generation.store.get(item.id)
            if row is not None:
                await generation.store.upsert([Row(item, row.vector)])
        await self._manifest.name_by(item.id, item.key)


def _best(image_id: str, keys: Sequence[str]) -> str:
    """The key of our own copy, if there is one: nobody else changes that."""
    return next((key for key in keys if is_original(key) and id_of(key) == image_id), keys[0])
