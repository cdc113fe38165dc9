"""Images that callers hand in: stored once per content, and taken away again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from facetkit import deadlines
from facetkit.errors import AlreadyExists, NotFound, PermissionDenied
from facetkit.objects import ObjectInfo, ObjectStore
from search.accepted import KeyedLocks, accepted
from search.domain import Item, Similar, id_of, is_original, key_of
from search.index import Index
from search.indexing import Indexer
from search.likeness import Likeness
from search.manifest import Entry, Manifest
from search.preparing import Prepared, Source, id_of_content


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored image; `duplicate` tells whether its bytes were stored before."""

    item: Item
    duplicate: bool
    similar: list[Similar]


class Originals:
    """What lies under images/, the only prefix that search writes."""

    def __init__(
        self,
        index: Index,
        manifest: Manifest,
        objects: ObjectStore,
        indexer: Indexer,
        likeness: Likeness,
        locks: KeyedLocks,
        now: Callable[[], datetime],
    ) -> None:
        self._index, self._manifest, self._objects = index, manifest, objects
        self._indexer, self._likeness = indexer, likeness
        self._locks, self._now = locks, now

    async def store(self, content: bytes) -> Stored:
        """Stores and indexes an image.

        Raises InvalidInput and its kin for a bad image. What then fails half-way is completed
        when it is repeated, or by the next synchronisation.
        """
        active = self._index.active
        image_id = await id_of_content(content)
        async with self._locks.holding(image_id):
            image = (await self._manifest.images([image_id])).get(image_id)
            known = image.item if image else None
            if known and await self._is_there(known):
                return Stored(known, True, await self._likeness.similar(active, known))
            source = Source("", "", len(content), self._now(), image_id)
            prepared = await self._indexer.prepare(source, content, bulk=False)
            deadlines.check()
            stored, left = await accepted(self._commit(prepared, known, content))
        await self._indexer.retire(left)
        return stored

    async def delete(self, key: str) -> None:
        """Removes an original and, unless another key has its bytes, its vector.

        Raises NotFound, and PermissionDenied for an object that is not ours.
        """
        _ = self._index.active
        if not is_original(key):
            raise await self._refusal(key)
        async with self._locks.holding(id_of(key)):
            removed, left = await accepted(self._remove(id_of(key), key))
        await self._indexer.retire(left)
        if not removed:
            raise _not_stored(key)

    async def _commit(
        self, prepared: Prepared, known: Item | None, content: bytes
    ) -> tuple[Stored, Sequence[str]]:
        # The object first: a row must never name an object that is not there.
        found = known or (prepared.image.item if prepared.image else None)
        assert found is not None
        item = replace(found, key=key_of(found.id, found.content_type))
        info = await self._put(item, content)
        entry = Entry(item.key, info.etag, info.size, item.id)
        image = prepared.image and replace(prepared.image, item=item)
        committed = await self._indexer.commit_held([replace(prepared, entry=entry, image=image)])
        if known is None:
            return Stored(item, False, committed.similar.get(item.id, [])), committed.left
        if known.key != item.key:
            await self._forget_lost(known)
        similar = await self._likeness.similar(self._index.active, item)
        return Stored(item, True, similar), committed.left

    async def _is_there(self, item: Item) -> bool:
        entry = await self._manifest.entry(item.key)
        if entry is None or entry.image_id != item.id:
            return False
        try:
            info = await self._objects.head(item.key)
        except NotFound:
            return False
        return entry.etag in ("", info.etag)

    async def _put(self, item: Item, content: bytes) -> ObjectInfo:
        write = partial(self._objects.put, item.key, content, content_type=item.content_type)
        try:
            return await write(if_absent=True)
        except AlreadyExists:
            info = await self._objects.head(item.key)
        if info.size == len(content) and (await self._objects.get(item.key)).content == content:
            return info
        # The key is the content's hash: whoever wrote anything else there was wrong.
        return await write(if_match=info.etag)

    async def _forget_lost(self, item: Item) -> None:
        """Takes the key from an image whose object was removed or overwritten in the bucket."""
        entry = await self._manifest.entry(item.key)
        if entry and entry.image_id == item.id:
            await self._manifest.remove_keys([item.key])
        await self._indexer.retire_held(item.id)

    async def _remove(self, image_id: str, key: str) -> tuple[bool, Sequence[str]]:
        # The row first: a hit must never lead to an object that is gone.
        known = await self._manifest.entry(key)
        left = await self._manifest.remove_keys([key])
        await self._indexer.retire_held(image_id)
        removed = await self._objects.delete(key)
        return removed or known is not None, [each for each in left if each != image_id]

    async def _refusal(self, key: str) -> NotFound | PermissionDenied:
        if await self._manifest.entry(key) is None:
            return _not_stored(key)
        return PermissionDenied(
            f"'{key[:200]}' was not stored by Facet: delete it in the bucket and synchronise",
            fields={"key": "is not under images/"},
        )


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def _not_stored(key: str) -> NotFound:
    return NotFound(f"no image is stored under '{key[:200]}'", fields={"key": "is not stored"})
