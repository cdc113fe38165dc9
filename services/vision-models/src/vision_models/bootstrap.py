"""All wiring of vision-models."""

import asyncio
import functools
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import structlog

from facet.vision.v1 import embedding_pb2_grpc
from facetkit import metrics as kit_metrics
from facetkit.errors import FacetError
from facetkit.health import LIVENESS, Health
from facetkit.images import FORMATS, ImageLimits, decode, fit_square
from facetkit.memory import keep_trimmed, settle
from facetkit.server import FacetServer
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.domain import Embedder, PreparedImage
from vision_models.loading import HubModel, ModelLoader
from vision_models.models import EMBEDDERS, ZERO_SHOT_MODELS
from vision_models.once import Once
from vision_models.service import EmbeddingService
from vision_models.servicer import SERVICE_NAME, EmbeddingServicer
from vision_models.settings import Settings

log = structlog.get_logger(__name__)

LOAD_RETRY_S = 30.0
WATCH_S = 1.0


async def serve(
    settings: Settings,
    *,
    embedders: Mapping[str, str] = EMBEDDERS,
    zero_shot_models: Mapping[str, str] = ZERO_SHOT_MODELS,
) -> None:
    """Runs the service until it is told to stop."""
    kit_metrics.serve(settings.metrics_host, settings.metrics_port)
    batcher = Batcher(max_batch=settings.vision_max_batch, hang_s=settings.vision_hang_s)
    loader = build_loader(settings, embedders, zero_shot_models)
    service = build_service(settings, batcher, loader)
    server = FacetServer()
    await server.register(
        SERVICE_NAME,
        embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server,
        EmbeddingServicer(service),
    )
    await server.start(f"{settings.host}:{settings.port}")
    hub = HubModel(settings.embedding_model, settings.embedding_revision)
    make = functools.partial(loader.embedder, hub)
    tasks = [
        asyncio.create_task(_load(service, make)),
        asyncio.create_task(_watch(server, service, batcher)),
        asyncio.create_task(keep_trimmed()),
    ]
    await server.run_until_signal(drain_s=settings.drain_s, grace_s=settings.grace_s)
    for task in tasks:
        task.cancel()
    await batcher.close()


def build_loader(
    settings: Settings, embedders: Mapping[str, str], zero_shot_models: Mapping[str, str]
) -> ModelLoader:
    """The loader for these settings."""
    return ModelLoader(
        demo=settings.facet_models == "demo",
        models_dir=settings.models_dir,
        device=settings.vision_device,
        dtype=settings.vision_dtype,
        threads=settings.vision_threads,
        embedders=embedders,
        zero_shot_models=zero_shot_models,
    )


def build_service(settings: Settings, batcher: Batcher, loader: ModelLoader) -> EmbeddingService:
    """The Embedding family, still without its model."""
    zero_shot = HubModel(settings.zero_shot_model, settings.zero_shot_revision)
    limits = ImageLimits(
        max_bytes=settings.max_image_bytes,
        max_pixels=settings.max_pixels,
        max_decoded_bytes=settings.max_decoded_bytes,
    )
    return EmbeddingService(
        batcher=batcher,
        admission=Admission(settings.vision_queue_size),
        decoders=ThreadPoolExecutor(settings.vision_decoders, thread_name_prefix="decoder"),
        prepare=functools.partial(prepare, limits=limits),
        load_zero_shot=Once(functools.partial(loader.zero_shot, zero_shot)),
        cache_size=settings.embedding_cache_items,
    )


def prepare(content: bytes, side: int, *, limits: ImageLimits) -> PreparedImage:
    """Decodes at reduced scale and crops to the square that the model sees."""
    decoded = decode(content, min_side=side, limits=limits)
    content_type, _ = FORMATS[decoded.format]
    pixels = fit_square(decoded.image, side)
    return PreparedImage(pixels, decoded.width, decoded.height, content_type)


async def _load(service: EmbeddingService, make: Callable[[], Embedder]) -> None:
    while service.embedder is None:
        try:
            service.embedder = await asyncio.to_thread(make)
            settle()
        except Exception as error:
            known = isinstance(error, FacetError)
            service.reason = str(error) if known else "its weights cannot be loaded; see the log"
            log.exception("embedding model not ready")
            await asyncio.sleep(LOAD_RETRY_S)


async def _watch(server: FacetServer, service: EmbeddingService, batcher: Batcher) -> None:
    """Keeps the health in step with the model and the worker."""
    while True:
        hung = Health(ready=False, reason="the model's worker hangs")
        live = hung if batcher.hung else Health(ready=True)
        loaded = Health(ready=True) if service.embedder else Health(False, service.reason)
        await server.health.report(LIVENESS, live)
        await server.health.report(SERVICE_NAME, loaded if live.ready else live)
        await asyncio.sleep(WATCH_S if service.embedder else WATCH_S / 5)
