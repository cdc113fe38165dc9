"""What an object's content is to the index: its vectors and its fingerprint."""

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from facetkit.errors import FacetError, NotReady, kind_of
from search.domain import Fingerprinter, ImageVector, Item, Vector
from search.generations import Generation
from search.index import Index
from search.manifest import Entry, Holdings, Image, Manifest

log = structlog.get_logger(__name__)

BESIDE_TIMEOUT_S = 10.0
"""For a vector that can as well be made later."""


@dataclass(frozen=True, slots=True)
class Source:
    """An object as it was read, or is to be written; `image_id` where its content is known."""

    key: str
    etag: str
    size_bytes: int
    modified: datetime
    image_id: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be written of one object.

    `image` is None where everything about it is known; `new` tells that nothing was. `vectors` by
    collection, where they lack it.
    """

    entry: Entry
    image: Image | None = None
    vectors: Mapping[str, Vector] = field(default_factory=dict)
    new: bool = False


class Preparing:
    """Embeds and takes fingerprints, and writes nothing."""

    def __init__(
        self, index: Index, manifest: Manifest, holdings: Holdings, fingerprinter: Fingerprinter
    ) -> None:
        self._index, self._manifest, self._holdings = index, manifest, holdings
        self._fingerprinter = fingerprinter

    async def prepare(
        self, source: Source, content: bytes, *, bulk: bool, collection: str = ""
    ) -> Prepared:
        """What `content` lacks in the index.

        The vector for `collection`, where none is named for what answers, is a must; others that
        fail are left to the next rebuilding. Raises InvalidInput and its kin for what is no image,
        NotReady and Unavailable, and Conflict where the collection is no longer wanted.
        """
        image_id = source.image_id
        image = (await self._manifest.images([image_id])).get(image_id)
        held = (await self._holdings.of([image_id])).get(image_id, set()) if image else set()
        targets = self._targets(collection)
        prints = image.fingerprint if image else None
        fresh = prints is None
        prints = prints or await self._fingerprinter.fingerprint(content)
        found = await _embedded(targets, held, content, bulk=bulk)
        vectors = {name: each.vector for name, each in found.items()}
        entry = Entry(source.key, source.etag, source.size_bytes, image_id)
        if image is None:
            item = _item(source, found[targets[0].name])
            return Prepared(entry, Image(item, prints), vectors, new=True)
        return Prepared(entry, replace(image, fingerprint=prints) if fresh else None, vectors)

    def _targets(self, collection: str) -> Sequence[Generation]:
        """What can be embedded for; the first one must be."""
        others = [each for each in self._index.generations if each.embedder]
        must = self._index.generation(collection) if collection else self._index.active
        if not collection and must.embedder is None and others:
            must = others[0]
        return [must, *(each for each in others if each.name != must.name)]


def broken(source: Source, error: FacetError) -> Prepared:
    """An object whose content cannot be indexed, and never will be until it changes."""
    code = kind_of(error).code
    return Prepared(Entry(source.key, source.etag, source.size_bytes, "", code, error.message))


async def id_of_content(content: bytes) -> str:
    """The id of an image with these bytes."""
    # A tenth of a second for the largest.
    return (await asyncio.to_thread(hashlib.sha256, content)).hexdigest()


async def _embedded(
    targets: Sequence[Generation], held: Collection[str], content: bytes, *, bulk: bool
) -> dict[str, ImageVector]:
    found = {}
    for generation in targets:
        if generation.name in held:
            continue
        must = generation is targets[0]
        try:
            async with asyncio.timeout(None if must else BESIDE_TIMEOUT_S):
                found[generation.name] = await _embed(generation, content, bulk=bulk)
        except (FacetError, TimeoutError) as error:
            if must:
                raise
            log.info("left to the next rebuilding", collection=generation.name, error=str(error))
    return found


async def _embed(generation: Generation, content: bytes, *, bulk: bool) -> ImageVector:
    found = await generation.embedding().embed_image(content, bulk=bulk)
    if found.model != generation.model:
        raise NotReady("vision-models has just begun to serve another model", retry_after_s=5)
    return found


def _item(source: Source, found: ImageVector) -> Item:
    # To the millisecond: what databases keep.
    created_at = source.modified.replace(microsecond=source.modified.microsecond // 1000 * 1000)
    return Item(
        source.image_id,
        source.key,
        found.content_type,
        source.size_bytes,
        found.width,
        found.height,
        created_at,
    )
