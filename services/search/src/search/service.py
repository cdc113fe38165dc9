"""Storing, deleting and finding images."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from facetkit import deadlines
from facetkit.errors import AlreadyExists, InvalidInput, NotFound, NotReady
from facetkit.objects import ObjectStore
from search.accepted import KeyedLocks, accepted
from search.domain import (
    MAX_WINDOW,
    Embedder,
    Filter,
    Found,
    Item,
    ModelInfo,
    Page,
    Row,
    Statistics,
    Vector,
    VectorStore,
    id_of,
    key_of,
)

MAX_TOP_K = 100
MAX_TEXT_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Query:
    """What to search by: exactly one of an encoded image, a text and a stored image's key."""

    image: bytes | None = None
    text: str | None = None
    key: str | None = None


class SearchService:
    """The index over one embedding model. `model` is set when the store is open."""

    def __init__(
        self,
        embedder: Embedder,
        store: VectorStore,
        objects: ObjectStore,
        now: Callable[[], datetime],
    ) -> None:
        self._embedder = embedder
        self._store = store
        self._objects = objects
        self._now = now
        self._locks = KeyedLocks()
        self._model: ModelInfo | None = None
        self.reason = "starting"

    @property
    def model(self) -> ModelInfo:
        """The model whose vectors are indexed. Raises NotReady while there is none."""
        if self._model is None:
            raise NotReady(f"search is not ready: {self.reason}", retry_after_s=2)
        return self._model

    async def open(self) -> None:
        """Learns the model and opens its collection. Raises NotReady or Unavailable."""
        await self._objects.ready()
        model = await self._embedder.model()
        await self._store.open(model)
        self._model = model

    async def store_image(self, content: bytes) -> tuple[Item, bool]:
        """Stores and indexes an image; the flag tells whether its bytes were stored before.

        Raises InvalidInput and its kin for a bad image. Nothing is stored unless all is.
        """
        indexed = self.model
        item_id = hashlib.sha256(content).hexdigest()
        async with self._locks.holding(item_id):
            known = await self._store.get(item_id)
            if known is not None:
                await accepted(self._put_object(known.item, content))
                return known.item, True
            image = await self._embedder.embed_image(content)
            _check_model(indexed, image.model)
            deadlines.check()
            item = Item(
                item_id,
                key_of(item_id, image.content_type),
                image.content_type,
                len(content),
                image.width,
                image.height,
                self._now(),
            )
            await accepted(self._commit(Row(item, image.vector), content))
        return item, False

    async def delete_image(self, key: str) -> None:
        """Removes an image and its vector. Raises NotFound when neither is there."""
        item_id = id_of(key)
        _ = self.model
        async with self._locks.holding(item_id):
            known = await self._store.get(item_id)
            removed = await accepted(self._remove(item_id, known.item.key if known else key))
        if known is None and not removed:
            raise NotFound(f"no image is stored under '{key}'", fields={"key": "is not stored"})

    async def search(self, query: Query, page: Page, accept: Filter) -> Found:
        """The stored images nearest to the query."""
        _check_page(page)
        vector = await self._vector(query)
        deadlines.check()
        return await self._store.search(vector, page, accept)

    async def statistics(self) -> Statistics:
        """Counts and name of the index."""
        _ = self.model
        return await self._store.statistics()

    async def _commit(self, row: Row, content: bytes) -> None:
        # The object first: a row must never name an object that is not there.
        await self._put_object(row.item, content)
        await self._store.upsert([row])

    async def _put_object(self, item: Item, content: bytes) -> None:
        try:
            await self._objects.put(
                item.key, content, content_type=item.content_type, if_absent=True
            )
        except AlreadyExists:
            # The key is the content's hash, so what is there is what would be written.
            return

    async def _remove(self, item_id: str, key: str) -> bool:
        # The row first: a hit must never lead to an object that is gone.
        await self._store.delete(item_id)
        return await self._objects.delete(key)

    async def _vector(self, query: Query) -> Vector:
        given = [name for name in ("image", "text", "key") if getattr(query, name) is not None]
        if len(given) != 1:
            raise InvalidInput("exactly one of 'image', 'text' and 'key' is required")
        if query.key is not None:
            return await self._stored_vector(query.key)
        if query.text is not None:
            return await self._text_vector(query.text)
        image = await self._embedder.embed_image(query.image or b"")
        _check_model(self.model, image.model)
        return image.vector

    async def _text_vector(self, text: str) -> Vector:
        if not text.strip() or len(text) > MAX_TEXT_CHARS:
            message = f"must have 1 to {MAX_TEXT_CHARS} characters"
            raise InvalidInput(f"'text' {message}", fields={"text": message})
        vector, model = await self._embedder.embed_text(text)
        _check_model(self.model, model)
        return vector

    async def _stored_vector(self, key: str) -> Vector:
        _ = self.model
        row = await self._store.get(id_of(key))
        if row is None:
            raise NotFound(f"no image is stored under '{key}'", fields={"key": "is not stored"})
        return row.vector


def _check_model(indexed: ModelInfo, used: ModelInfo) -> None:
    if indexed != used:
        raise NotReady(
            f"the index holds vectors of {indexed.name} {indexed.version}, but vision-models "
            f"now serves {used.name} {used.version}",
            retry_after_s=30,
        )


def _check_page(page: Page) -> None:
    if not 1 <= page.top_k <= MAX_TOP_K:
        message = f"must be 1 to {MAX_TOP_K}"
        raise InvalidInput(f"'top_k' {message}", fields={"top_k": message})
    if page.offset < 0 or page.window > MAX_WINDOW:
        message = f"must be 0 or more, and with top_k at most {MAX_WINDOW}"
        raise InvalidInput(f"'offset' {message}", fields={"offset": message})
