"""Removes what the object store no longer has, unless that is suspiciously much."""

from collections.abc import AsyncIterator

import structlog

from facetkit.errors import Conflict, InvalidInput, NotFound
from facetkit.objects import ObjectStore
from search.indexing import Indexer
from search.manifest import Manifest, MissingKeys
from search.sync.bounded import for_each

log = structlog.get_logger(__name__)

MAX_MISSING_SHARE = 0.2
MAX_MISSING = 50
_PAGE = 500
_AT_ONCE = 16


class Removal:
    """Works on the keys that a whole, error-free listing did not have."""

    def __init__(
        self, objects: ObjectStore, manifest: Manifest, missing: MissingKeys, indexer: Indexer
    ) -> None:
        self._objects, self._manifest = objects, manifest
        self._missing, self._indexer = missing, indexer

    async def run(self, job_id: str, *, listed: int, known: int, force: bool) -> int:
        """Removes the marked keys, and images that lost their last one; answers how many keys.

        `listed` and `known` are the keys of the listing and of the manifest before it. Raises
        Conflict where too much would go without `force`.
        """
        await self._sweep()
        count = await self._missing.count(job_id)
        if not force and _is_suspicious(count, listed, known):
            await self._missing.unmark_all()
            raise Conflict(
                f"{count} of {known} known images are missing from the object store: nothing was "
                "removed; if that is right, synchronise with force"
            )
        removed, after = 0, ""
        while keys := await self._missing.page(job_id, after, _PAGE):
            gone = await self._gone(keys)
            # An upload since then has taken the mark off.
            marked = await self._missing.page(job_id, after, _PAGE)
            removed += await self._remove([key for key in marked if key in gone])
            await self._missing.unmark([key for key in keys if key not in gone])
            after = keys[-1]
        return removed

    async def _gone(self, keys: list[str]) -> set[str]:
        gone: set[str] = set()

        async def look(key: str) -> None:
            # It may have been written since its part of the listing was read.
            try:
                await self._objects.head(key)
            except (NotFound, InvalidInput):
                gone.add(key)

        await for_each(_each(keys), look, _AT_ONCE)
        return gone

    async def _remove(self, keys: list[str]) -> int:
        await self._indexer.retire(await self._manifest.remove_keys(keys))
        return len(keys)

    async def _sweep(self) -> None:
        """For kills between forgetting a key and removing its image."""
        after = ""
        while image_ids := await self._manifest.misnamed(after, _PAGE):
            await self._indexer.retire(image_ids)
            after = image_ids[-1]


def _is_suspicious(missing: int, listed: int, known: int) -> bool:
    if missing and not listed:
        return True
    return missing > MAX_MISSING and missing > MAX_MISSING_SHARE * known


async def _each(keys: list[str]) -> AsyncIterator[str]:
    for key in keys:
        yield key
