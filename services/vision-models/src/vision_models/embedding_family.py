"""Wiring of the Embedding family."""

import functools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from facet.vision.v1 import embedding_pb2_grpc
from facetkit.health import Health
from facetkit.images import FORMATS, ImageLimits, decode, fit_square
from facetkit.server import FacetServer
from vision_models import common_objects
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.decoding import image_limits
from vision_models.domain import Embedder, PreparedImage, ZeroShotModel
from vision_models.embedding_service import EmbeddingService
from vision_models.embedding_servicer import SERVICE_NAME, EmbeddingServicer
from vision_models.kept_model import KeptModel
from vision_models.label_vectors import LabelVectors
from vision_models.loading import HubModel, Libraries, ModelLoader
from vision_models.once import Once
from vision_models.settings import Settings


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
        admission = Admission(settings.vision_queue_size)
        objects = settings.common_objects or common_objects.shipped()
        self._embedder: KeptModel[Embedder] = KeptModel("embedding")
        self.service = EmbeddingService(
            embedder=self._embedder,
            batcher=self.batcher,
            admission=admission,
            decoders=decoders,
            prepare=functools.partial(prepare, limits=image_limits(settings)),
            load_zero_shot=self._load_zero_shot,
            labels=LabelVectors(
                batcher=self.batcher,
                admission=admission,
                max_batch=settings.vision_max_batch,
                cache_size=settings.embedding_cache_items,
                kept=objects,
            ),
            common_objects=objects,
            cache_size=settings.embedding_cache_items,
        )

    @property
    def health(self) -> Health:
        """Ready once the model is in memory and warm."""
        return self._embedder.health

    async def register(self, server: FacetServer) -> None:
        """Offers the service to callers."""
        add = embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server
        await server.register(SERVICE_NAME, add, EmbeddingServicer(self.service))

    async def keep(self) -> None:
        """Loads the model, trying again until that succeeds."""
        await self._libraries()
        await self._embedder.keep(functools.partial(self._loader.embedder, self._hub))

    async def close(self) -> None:
        """Ends the worker."""
        await self.batcher.close()

    async def _load_zero_shot(self) -> ZeroShotModel:
        await self._libraries()
        return await self._zero_shot()


def prepare(content: bytes, side: int, *, limits: ImageLimits) -> PreparedImage:
    """Decodes at reduced scale and crops to the square that the model sees."""
    decoded = decode(content, min_side=side, limits=limits)
    content_type, _ = FORMATS[decoded.format]
    pixels = fit_square(decoded.image, side)
    return PreparedImage(pixels, decoded.width, decoded.height, content_type)
