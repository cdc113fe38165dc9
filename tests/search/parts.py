"""Search put together over stand-ins that pass the contracts of the real parts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from sqlalchemy import URL

from facetkit.jobs import Job
from facetkit.objects import ObjectStore
from facetkit.sql_jobs import SqlJobStore
from search import storing
from search.accepted import KeyedLocks
from search.adapters.database import Database
from search.adapters.sql_holdings import SqlHoldings, SqlMissingKeys, SqlPairs
from search.adapters.sql_manifest import SqlManifest
from search.adapters.tables import JOBS
from search.domain import Collections, Embedder, Filter, Fingerprinter, Item, Page
from search.grouping import Grouping
from search.index import Index
from search.indexing import Indexer
from search.job_runner import JobRunner
from search.jobs import Jobs
from search.likeness import Likeness
from search.reconciling import Reconciling
from search.service import Query, SearchService
from search.storing import Originals
from search.sync import rebuilding, synchronisation
from search.sync.intake import Intake
from search.sync.patience import Patience
from search.sync.rebuilding import Rebuilding
from search.sync.removal import Removal
from search.sync.synchronisation import Synchronisation
from tests.databases import MIGRATIONS
from tests.search.alike import AlikeFingerprinter

OWNER = "here"


class Parts:
    """One process of search: made anew over the same database, objects and collections, it is
    that process started again.
    """

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        collections: Collections,
        embedders: Sequence[Embedder],
        fingerprinter: Fingerprinter | None = None,
        *,
        at_once: int = 4,
        batch_size: int = 8,
        max_bytes: int = 1000,
        patience_s: float = 5.0,
    ) -> None:
        engine = database.engine
        self.database, self.objects, self.collections = database, objects, collections
        self.manifest, self.missing = SqlManifest(engine), SqlMissingKeys(engine)
        self.holdings, self.pairs = SqlHoldings(engine), SqlPairs(engine)
        reconciling = Reconciling(self.manifest, self.holdings)
        self.index = Index(collections, embedders, self.holdings, reconciling)
        self.likeness, locks = Likeness(self.manifest, self.pairs), KeyedLocks()
        self.indexer = Indexer(
            self.index,
            self.manifest,
            self.holdings,
            self.likeness,
            fingerprinter or AlikeFingerprinter(),
            locks,
        )
        self.service = SearchService(self.index, self.manifest, self.holdings)
        self.originals = Originals(
            self.index, self.manifest, objects, self.indexer, self.likeness, locks, storing.now
        )
        self.grouping = Grouping(self.index, self.manifest, self.pairs)
        intake = Intake(
            objects,
            self.indexer,
            Patience(patience_s),
            at_once=at_once,
            max_bytes=max_bytes,
            batch_size=batch_size,
        )
        removal = Removal(objects, self.manifest, self.missing, self.indexer)
        self.job_store = SqlJobStore(engine, JOBS, "sync")
        handlers = {
            synchronisation.KIND: Synchronisation(
                objects, self.manifest, self.missing, intake, removal
            ).run,
            rebuilding.KIND: Rebuilding(self.index, self.manifest, self.holdings, intake).run,
        }
        self.runner = JobRunner(self.job_store, handlers, OWNER, look_every_s=0.02)
        self.jobs = Jobs(self.job_store, self.runner)

    async def ended(self, job_id: str) -> Job:
        """The job once it has ended."""
        while not (job := await self.job_store.get(job_id)).state.final:
            await asyncio.sleep(0.002)
        return job

    async def synchronise(self, *, force: bool = False) -> Job:
        """One whole synchronisation, however it ends."""
        return await self.ended((await self.jobs.synchronise(force=force)).id)

    async def rebuild(self) -> Job:
        """Notices what is served, and fills the collection that is being built."""
        await self.index.refresh()
        name = self.index.generations[-1].name
        return await self.ended((await self.jobs.start(rebuilding.KIND, {"collection": name})).id)

    async def found(self, prefix: str = "") -> dict[str, str]:
        """Keys of all that searches find, with the ids."""
        dimensions = self.service.model.dimensions
        query = Query(vector=[1.0] * dimensions)
        found = await self.service.search(query, Page(top_k=100), Filter(prefix=prefix))
        assert found.total == len(found.hits)
        return {hit.item.key: hit.item.id for hit in found.hits}

    async def nearest(self, content: bytes) -> Item:
        """What a search by this image finds first."""
        found = await self.service.search(Query(image=content), Page(top_k=1), Filter())
        return found.hits[0].item


@asynccontextmanager
async def connected(url: URL) -> AsyncIterator[Database]:
    """A migrated database, open."""
    database = Database(url, MIGRATIONS)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[Parts]:
    """A process that is ready and runs jobs, until the block ends."""
    await parts.index.open()
    jobs = asyncio.create_task(parts.runner.run())
    try:
        yield parts
    finally:
        jobs.cancel()
        with suppress(asyncio.CancelledError):
            await jobs
        await parts.index.close()
