"""All wiring of search."""

import asyncio
from datetime import UTC, datetime

import structlog

from facet.search.v1 import search_pb2_grpc
from facetkit import metrics
from facetkit.client import RpcClient
from facetkit.errors import FacetError, Unavailable
from facetkit.health import Health
from facetkit.local_objects import LocalObjectStore
from facetkit.memory import keep_trimmed
from facetkit.server import FacetServer
from search.adapters.matrix_store import MatrixStore
from search.adapters.milvus import MilvusStore
from search.adapters.vision import VisionEmbedder
from search.domain import VectorStore
from search.service import SearchService
from search.servicer import SERVICE_NAME, SearchServicer
from search.settings import Settings

log = structlog.get_logger(__name__)

OPEN_RETRY_S = 0.5
PING_S = 5.0


async def serve(settings: Settings) -> None:
    """Runs the service until it is told to stop."""
    metrics.serve(settings.metrics_host, settings.metrics_port)
    vision = RpcClient(settings.vision_embedding_target or settings.vision_target)
    store = build_store(settings)
    objects = LocalObjectStore(settings.facet_data_dir / "objects")
    service = SearchService(VisionEmbedder(vision), store, objects, _now)
    server = FacetServer()
    await server.register(
        SERVICE_NAME, search_pb2_grpc.add_SearchServiceServicer_to_server, SearchServicer(service)
    )
    await server.start(f"{settings.host}:{settings.port}")
    matrix = settings.vector_index == "matrix"
    running = [
        asyncio.create_task(_run(server, service, store, answers_alone=matrix)),
        asyncio.create_task(keep_trimmed()),
    ]
    await server.run_until_signal(drain_s=settings.drain_s, grace_s=settings.grace_s)
    for task in running:
        task.cancel()
    await store.close()
    await vision.close()


def build_store(settings: Settings) -> VectorStore:
    """Milvus, with the matrix beside it where that answers the searches."""
    token = settings.milvus_token.get_secret_value()
    if settings.vector_index == "store":
        return MilvusStore(settings.milvus_uri, token)
    lite = MilvusStore(settings.milvus_uri, token, lite_flush_s=settings.flush_after_s)
    return MatrixStore(lite)


async def _run(
    server: FacetServer, service: SearchService, store: VectorStore, *, answers_alone: bool
) -> None:
    """Opens the index, then keeps the health in step with the vector store.

    Where the matrix answers, searches go on without the store: ready, with a reason.
    """
    await _open(server, service)
    while True:
        try:
            await store.ping()
        except Unavailable as error:
            reason = f"{error.message}; images cannot be stored"
            health = Health(ready=answers_alone, reason=reason)
        else:
            health = Health(ready=True)
        await server.health.report(SERVICE_NAME, health)
        await asyncio.sleep(PING_S)


async def _open(server: FacetServer, service: SearchService) -> None:
    while True:
        try:
            await service.open()
        except FacetError as error:
            service.reason = error.message
        except Exception:
            service.reason = "the index cannot be opened; see the log"
            log.exception("index not open")
        else:
            return
        await server.health.report(SERVICE_NAME, Health(ready=False, reason=service.reason))
        await asyncio.sleep(OPEN_RETRY_S)


def _now() -> datetime:
    # Milvus keeps milliseconds; more would differ after a restart.
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
