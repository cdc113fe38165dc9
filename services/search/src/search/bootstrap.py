"""All wiring of search."""

import asyncio
from datetime import UTC, datetime

import structlog

from facet.search.v1 import search_pb2_grpc
from facetkit import metrics
from facetkit.client import RpcClient
from facetkit.errors import FacetError
from facetkit.health import Health
from facetkit.local_objects import LocalObjectStore
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
    opening = asyncio.create_task(_open(server, service))
    await server.run_until_signal(drain_s=settings.drain_s, grace_s=settings.grace_s)
    opening.cancel()
    await store.close()
    await vision.close()


def build_store(settings: Settings) -> VectorStore:
    """Milvus, with the matrix beside it where that answers the searches."""
    token = settings.milvus_token.get_secret_value()
    if settings.vector_index == "store":
        return MilvusStore(settings.milvus_uri, token)
    lite = MilvusStore(settings.milvus_uri, token, lite_flush_s=settings.flush_after_s)
    return MatrixStore(lite)


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
            await server.health.report(SERVICE_NAME, Health(ready=True))
            return
        await server.health.report(SERVICE_NAME, Health(ready=False, reason=service.reason))
        await asyncio.sleep(OPEN_RETRY_S)


def _now() -> datetime:
    # Milvus keeps milliseconds; more would differ after a restart.
    instant = datetime.now(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
