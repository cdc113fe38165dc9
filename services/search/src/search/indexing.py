"""Takes images into the index: vectors first, then what the database knows of them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from search.accepted import KeyedLocks
from search.domain import Fingerprinter, Row, Similar
from search.generations import Generation
from search.index import Index
from search.likeness import Likeness
from search.locking import holding_all
from search.manifest import Entry, Holdings, Image, Manifest
from search.preparing import Prepared, Preparing, Source
from search.reconciling import Reconciling
from search.retiring import Retiring

Images = Mapping[str, Image]


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of a batch.

    `similar` is by image, for those that came into what answers. `outdated` objects were not
    written, as their image was removed after they were prepared. `left` are images to be retired.
    """

    similar: Mapping[str, list[Similar]]
    outdated: Sequence[Entry]
    left: Sequence[str]


class Indexer:
    """Shared by uploads and synchronisation. `locks` are by image."""

    def __init__(
        self,
        index: Index,
        manifest: Manifest,
        holdings: Holdings,
        likeness: Likeness,
        fingerprinter: Fingerprinter,
        locks: KeyedLocks,
    ) -> None:
        self._index, self._manifest = index, manifest
        self._likeness, self._locks = likeness, locks
        self._reconciling = Reconciling(manifest, holdings, locks)
        self._preparing = Preparing(index, manifest, holdings, fingerprinter)
        self._retiring = Retiring(index, manifest, locks)
        self._linking = asyncio.Lock()

    async def prepare(
        self, source: Source, content: bytes, *, bulk: bool, collection: str = ""
    ) -> Prepared:
        """As Preparing.prepare."""
        return await self._preparing.prepare(source, content, bulk=bulk, collection=collection)

    async def retire(self, image_ids: Sequence[str]) -> None:
        """As Retiring.retire."""
        await self._retiring.retire(image_ids)

    async def retire_held(self, image_id: str) -> None:
        """As Retiring.retire_held."""
        await self._retiring.retire_held([image_id])

    async def reconcile(self, collection: str) -> None:
        """As Reconciling.reconcile. Raises Conflict where the collection is no longer wanted."""
        await self._index.refresh()
        generation = self._index.generation(collection)
        await self._reconciling.reconcile(collection, generation.store)

    async def commit(self, batch: Sequence[Prepared]) -> Committed:
        """Writes at most 1,000 objects, and retires images that their keys led to before."""
        async with holding_all(self._locks, _image_ids(batch)):
            committed = await self.commit_held(batch)
        await self.retire(committed.left)
        return committed

    async def commit_held(self, batch: Sequence[Prepared]) -> Committed:
        """As `commit`, with the images' locks held by the caller, who retires those left."""
        known = await self._manifest.images(_image_ids(batch))
        current = [each for each in batch if _is_current(each, known)]
        outdated = [each.entry for each in batch if not _is_current(each, known)]
        images = _merged(current, known)
        generations, answering = self._index.generations, self._index.active.name
        rows = {each.name: _rows(each.name, current, images) for each in generations}
        for generation in generations:
            await generation.store.upsert(rows[generation.name])
        # Of two that come in at once, the one that is recorded later finds the other.
        async with self._linking:
            similar = {
                generation.name: await self._linked(
                    generation, rows[generation.name], known, images
                )
                for generation in generations
            }
            left = await self._record(current, images, rows)
        return Committed(similar[answering], outdated, left)

    async def _linked(
        self, generation: Generation, rows: Sequence[Row], known: Images, images: Images
    ) -> Mapping[str, list[Similar]]:
        """Links new rows, and those whose images had no fingerprint yet."""
        added = {row.item.id: row for row in rows}
        for image_id, image in known.items():
            if image.fingerprint is None and image_id not in added:
                row = await generation.store.get(image_id)
                added |= {image_id: row} if row else {}
        prints = {image_id: images[image_id].fingerprint for image_id in added}
        linked = [(row, found) for image_id, row in added.items() if (found := prints[image_id])]
        return await self._likeness.link(generation, linked) if linked else {}

    async def _record(
        self, batch: Sequence[Prepared], images: Images, rows: Mapping[str, Sequence[Row]]
    ) -> list[str]:
        changed = {each.entry.image_id for each in batch if each.image}
        held = {name: [row.item.id for row in some] for name, some in rows.items()}
        entries = [each.entry for each in batch]
        return await self._manifest.record(entries, [images[each] for each in changed], held)


def _image_ids(batch: Sequence[Prepared]) -> list[str]:
    return sorted({each.entry.image_id for each in batch if each.entry.image_id})


def _is_current(prepared: Prepared, known: Images) -> bool:
    image_id = prepared.entry.image_id
    return prepared.new or not image_id or image_id in known


def _merged(batch: Sequence[Prepared], known: Images) -> Images:
    """The images as they will be known: by the key that came first."""
    images = dict(known)
    for each in batch:
        if each.image is not None:
            before = images.get(each.entry.image_id, each.image)
            merged = replace(before, fingerprint=each.image.fingerprint)
            images[each.entry.image_id] = merged
    return images


def _rows(collection: str, batch: Sequence[Prepared], images: Images) -> list[Row]:
    vectors = {
        each.entry.image_id: each.vectors[collection]
        for each in batch
        if collection in each.vectors
    }
    return [Row(images[image_id].item, vector) for image_id, vector in vectors.items()]
