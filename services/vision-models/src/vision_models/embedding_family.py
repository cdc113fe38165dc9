"""Wiring of the Embedding family."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import structlog

from facet.vision.v1 import embedding_pb2_grpc
from facetkit.errors import FacetError
from facetkit.health import Health
from facetkit.images import FORMATS, ImageLimits, decode, fit_square
from facetkit.memory import settle
from facetkit.server import FacetServer
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.domain import Embedder, PreparedImage, ZeroShotModel
from vision_models.embedding_service import EmbeddingService
from vision_models.embedding_servicer import SERVICE_NAME, EmbeddingServicer
from vision_models.loading import HubModel, ModelLoader
from vision_models.once import Once
from vision_models.settings import Settings

log = structlog.get_logger(__name__)

LOAD_RETRY_S = 30.0

Libraries = Callable[[], Awaitable[object]]
"""Waits until what loads models has been imported."""


class EmbeddingFamily:
    """CLIP: its service, which other families ask too, and what keeps it ready."""

    name = SERVICE_NAME

    def __init__(
        self,
        settings: Settings,
        decoders: ThreadPoolExecutor,
        libraries: Libraries,
        one_at_a_time: Lock,
        embedders: Mapping[str, str],
        zero_shot_models: Mapping[str, str],
    ) -> None:
        self._libraries = libraries
        self._loader = ModelLoader(
            demo=settings.demo,
            models_dir=settings.models_dir,
            embedders=embedders,
            zero_shot_models=zero_shot_models,
            one_at_a_time=one_at_a_time,
            **settings.placement("embedding"),
        )
        self._hub = HubModel(*settings.hub("embedding"))
        zero_shot = HubModel(*settings.hub("zero_shot"))
        self._zero_shot = Once(functools.partial(self._loader.zero_shot, zero_shot))
        self.batcher = Batcher(max_batch=settings.vision_max_batch, hang_s=settings.vision_hang_s)
        self.service = EmbeddingService(
            batcher=self.batcher,
            admission=Admission(settings.vision_queue_size),
            decoders=decoders,
            prepare=functools.partial(prepare, limits=image_limits(settings)),
            load_zero_shot=self._load_zero_shot,
            cache_size=settings.embedding_cache_items,
        )

    @property
    def health(self) -> Health:
        """Ready once the model is in memory and warm."""
        if self.service.embedder is None:
            return Health(False, self.service.reason)
        return Health(ready=True)

    async def register(self, server: FacetServer) -> None:
        """Offers the service to callers."""
        add = embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server
        await server.register(SERVICE_NAME, add, EmbeddingServicer(self.service))

    async def keep(self) -> None:
        """Loads the model, trying again until that succeeds."""
        await self._libraries()
        await _load(self.service, functools.partial(self._loader.embedder, self._hub))

    async def close(self) -> None:
        """Ends the worker."""
        await self.batcher.close()

    async def _load_zero_shot(self) -> ZeroShotModel:
        await self._libraries()
        return await self._zero_shot()


def image_limits(settings: Settings) -> ImageLimits:
    """The most that an image may have."""
    return ImageLimits(
        max_bytes=settings.max_image_bytes,
        max_pixels=settings.max_pixels,
        max_decoded_bytes=settings.max_decoded_bytes,
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
