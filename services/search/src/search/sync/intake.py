"""Downloads and embeds objects, some at once, and has them committed."""

from collections.abc import AsyncIterable
from dataclasses import dataclass
from datetime import UTC, datetime

from facetkit.errors import Conflict, FacetError, InvalidInput, NotFound, TooLarge, kind_of
from facetkit.jobs import ItemFailure
from facetkit.objects import ObjectInfo, ObjectStore, StoredObject
from search.indexing import Indexer
from search.preparing import Source, broken, id_of_content
from search.sync.batches import Batches, Gone, Outcome, Progress, Tally
from search.sync.bounded import for_each
from search.sync.patience import PASSING, Patience

BATCH = 64
"""Objects in one commit: what a kill makes go through twice, beside those in flight."""

MAX_FAILURES_IN_A_ROW = 20
"""So many objects in a row mean that it is a peer that fails, not they."""

_NO_TIME = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)
class _Run:
    """One call of `take`; `collection` is empty where objects are taken as they are listed."""

    collection: str
    tally: Tally
    failures_in_a_row: int = 0

    def count_read(self, stored: StoredObject) -> None:
        self.tally.downloaded += 1
        self.tally.downloaded_bytes += len(stored.content)

    def failure(self, key: str, error: FacetError) -> ItemFailure:
        """Of an object that may be good. Raises `error` after too many of them."""
        self.failures_in_a_row += 1
        if self.failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
            raise error
        return _failure(key, error)

    def refusal(self, source: Source, error: InvalidInput) -> Outcome:
        """Of an object that is bad, unless it was good for another model or is not listed."""
        self.failures_in_a_row = 0
        if self.collection or not source.etag:
            return _failure(source.key, error)
        return broken(source, error)


class Intake:
    """Takes changed objects into the index."""

    def __init__(
        self,
        objects: ObjectStore,
        indexer: Indexer,
        patience: Patience,
        *,
        at_once: int = 16,
        max_bytes: int = 24 * 2**20,
        batch_size: int = BATCH,
    ) -> None:
        self._objects, self._indexer, self._patience = objects, indexer, patience
        self._at_once, self._max_bytes, self._batch_size = at_once, max_bytes, batch_size

    async def take(
        self,
        wanted: AsyncIterable[ObjectInfo],
        tally: Tally,
        progress: Progress,
        *,
        collection: str = "",
    ) -> None:
        """Indexes the objects; bad ones are counted and named, and never stop the others.

        For a `collection` nothing that is indexed is ever found to be bad. Raises Unavailable and
        its kin when a peer stays away.
        """
        run = _Run(collection, tally)
        batches = Batches(self._indexer, self._patience, tally, progress, self._batch_size)

        async def one(info: ObjectInfo) -> None:
            await batches.add(await self._outcome(info, run))

        await for_each(wanted, one, self._at_once)
        await batches.flush()

    async def reconcile(self, collection: str) -> None:
        """As Indexer.reconcile, through the outages of peers."""
        await self._patience.wait_for(lambda: self._indexer.reconcile(collection))

    async def _outcome(self, info: ObjectInfo, run: _Run) -> Outcome:
        try:
            if info.etag:
                self._check_size(info.size)
            stored = await self._objects.get(info.key, max_bytes=self._max_bytes)
        except NotFound:
            return Gone(info.key)
        except InvalidInput as error:
            return run.refusal(_source(info), error)
        except Conflict as error:
            # Archived, or just being written: the store is well.
            return _failure(info.key, error)
        except FacetError as error:
            return run.failure(info.key, error)
        run.count_read(stored)
        return await self._prepared(stored, run)

    async def _prepared(self, stored: StoredObject, run: _Run) -> Outcome:
        source = _source(stored.info, await id_of_content(stored.content))
        try:
            prepared = await self._patience.wait_for(
                lambda: self._indexer.prepare(
                    source, stored.content, bulk=True, collection=run.collection
                )
            )
        except InvalidInput as error:
            return run.refusal(source, error)
        except (Conflict, *PASSING):
            raise
        except FacetError as error:
            return run.failure(source.key, error)
        run.failures_in_a_row = 0
        return prepared

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes == 0:
            raise InvalidInput("the image is empty")
        if size_bytes > self._max_bytes:
            raise TooLarge(f"the image is larger than {self._max_bytes / 2**20:g} MiB")


def unlisted(key: str) -> ObjectInfo:
    """An object of which only the key is known."""
    return ObjectInfo(key, 0, "", _NO_TIME, "")


def _failure(key: str, error: FacetError) -> ItemFailure:
    return ItemFailure(key, kind_of(error).code, error.message)


def _source(info: ObjectInfo, image_id: str = "") -> Source:
    return Source(info.key, info.etag, info.size, info.modified, image_id)
