"""All wiring of search."""

import asyncio
import socket
from pathlib import Path

from facet.jobs.v1 import jobs_pb2_grpc
from facet.search.v1 import search_pb2_grpc
from facetkit import metrics
from facetkit.client import RpcClient
from facetkit.images import ImageLimits
from facetkit.memory import keep_trimmed
from facetkit.object_stores import open_object_store
from facetkit.objects import ObjectStore
from facetkit.server import FacetServer
from facetkit.sql_jobs import SqlJobStore
from search import storing
from search.accepted import KeyedLocks
from search.adapters.database import Database
from search.adapters.fingerprints import PillowFingerprinter
from search.adapters.milvus_collections import MilvusCollections
from search.adapters.sql_holdings import SqlHoldings, SqlMissingKeys, SqlPairs
from search.adapters.sql_manifest import SqlManifest
from search.adapters.tables import JOBS
from search.adapters.vision import VisionEmbedder
from search.grouping import Grouping
from search.index import Index
from search.indexing import Indexer
from search.job_runner import JobRunner
from search.jobs import Jobs
from search.jobs_servicer import JOBS_SERVICE, JobsServicer
from search.keeping import Keeping
from search.likeness import Likeness
from search.reconciling import Reconciling
from search.service import SearchService
from search.servicer import SERVICE_NAME, SearchServicer
from search.settings import Settings
from search.sync import rebuilding, synchronisation
from search.sync.intake import Intake
from search.sync.patience import Patience
from search.sync.rebuilding import Rebuilding
from search.sync.removal import Removal
from search.sync.synchronisation import Synchronisation

JOB_PREFIX = "sync"


async def serve(settings: Settings, migrations: Path) -> None:
    """Runs the service until it is told to stop."""
    metrics.serve(settings.metrics_host, settings.metrics_port)
    search = Search(settings, migrations)
    server = FacetServer()
    await search.register(server)
    await server.start(f"{settings.host}:{settings.port}")
    running = [
        asyncio.create_task(search.keeping(server).run()),
        asyncio.create_task(keep_trimmed()),
    ]
    await server.run_until_signal(drain_s=settings.drain_s, grace_s=settings.grace_s)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await search.close()


class Search:
    """The parts of the service, put together."""

    def __init__(self, settings: Settings, migrations: Path) -> None:
        self._settings = settings
        self.database = Database(settings.database, migrations)
        self.objects: ObjectStore = open_object_store(settings)
        self.manifest = SqlManifest(self.database.engine)
        self.holdings = SqlHoldings(self.database.engine)
        self._pairs = SqlPairs(self.database.engine)
        self._clients = [RpcClient(target) for target in _vision_targets(settings)]
        self.index = Index(
            _collections(settings),
            [VisionEmbedder(client) for client in self._clients],
            self.holdings,
            Reconciling(self.manifest, self.holdings),
        )
        self._likeness = Likeness(self.manifest, self._pairs)
        self._fingerprinter = PillowFingerprinter(_limits(settings), settings.fingerprint_workers)
        self._locks = KeyedLocks()
        self.indexer = Indexer(
            self.index,
            self.manifest,
            self.holdings,
            self._likeness,
            self._fingerprinter,
            self._locks,
        )
        self._store = SqlJobStore(self.database.engine, JOBS, JOB_PREFIX)
        self.runner = self._runner()
        self.jobs = Jobs(self._store, self.runner)

    async def register(self, server: FacetServer) -> None:
        """Adds both gRPC services."""
        originals = storing.Originals(
            self.index,
            self.manifest,
            self.objects,
            self.indexer,
            self._likeness,
            self._locks,
            storing.now,
        )
        service = SearchService(self.index, self.manifest, self.holdings)
        grouping = Grouping(self.index, self.manifest, self._pairs)
        await server.register(
            SERVICE_NAME,
            search_pb2_grpc.add_SearchServiceServicer_to_server,
            SearchServicer(service, originals, grouping, self.jobs),
        )
        await server.register(
            JOBS_SERVICE, jobs_pb2_grpc.add_JobsServiceServicer_to_server, JobsServicer(self.jobs)
        )

    def keeping(self, server: FacetServer) -> Keeping:
        """What opens the parts and keeps them in step."""
        return Keeping(
            server.health,
            (SERVICE_NAME, JOBS_SERVICE),
            (self.database.open, self.objects.ready, self.index.open),
            self.index,
            self.holdings,
            self.jobs,
            self.runner,
            answers_alone=self._settings.vector_index == "matrix",
        )

    async def close(self) -> None:
        """Lets go of everything."""
        await self.index.close()
        for client in self._clients:
            await client.close()
        await self.objects.close()
        await self.database.close()

    def _runner(self) -> JobRunner:
        settings, missing = self._settings, SqlMissingKeys(self.database.engine)
        intake = Intake(
            self.objects,
            self.indexer,
            Patience(settings.sync_patience_s),
            at_once=settings.sync_at_once,
            max_bytes=settings.max_image_bytes,
        )
        removal = Removal(self.objects, self.manifest, missing, self.indexer)
        handlers = {
            synchronisation.KIND: Synchronisation(
                self.objects, self.manifest, missing, intake, removal
            ).run,
            rebuilding.KIND: Rebuilding(self.index, self.manifest, self.holdings, intake).run,
        }
        # Stable through restarts, and another one for each process that shares the database.
        owner = f"{socket.gethostname()}:{settings.port}"
        return JobRunner(self._store, handlers, owner)


def _vision_targets(settings: Settings) -> list[str]:
    now = settings.vision_embedding_target or settings.vision_target
    following = settings.vision_embedding_next_target
    return [now, following] if following else [now]


def _collections(settings: Settings) -> MilvusCollections:
    matrix = settings.vector_index == "matrix"
    return MilvusCollections(
        settings.milvus_uri,
        settings.milvus_token.get_secret_value(),
        lite_flush_s=settings.flush_after_s if matrix else None,
        matrix=matrix,
    )


def _limits(settings: Settings) -> ImageLimits:
    return ImageLimits(settings.max_image_bytes, settings.max_pixels, settings.max_decoded_bytes)
