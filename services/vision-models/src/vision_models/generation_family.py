"""Wiring of the Generation family."""

import functools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from facet.vision.v1 import generation_pb2_grpc
from facetkit.health import Health
from facetkit.server import FacetServer
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.decoding import image_limits, whole
from vision_models.generation_domain import Painter
from vision_models.generation_loading import PainterLoader
from vision_models.generation_service import GenerationService
from vision_models.generation_servicer import SERVICE_NAME, GenerationServicer
from vision_models.kept_model import KeptModel
from vision_models.loading import HubModel, Libraries
from vision_models.settings import Settings


class GenerationFamily:
    """Stable Diffusion: its service, and what keeps it ready."""

    name = SERVICE_NAME

    def __init__(
        self,
        settings: Settings,
        decoders: ThreadPoolExecutor,
        libraries: Libraries,
        one_at_a_time: Lock,
        painters: Mapping[str, str],
    ) -> None:
        self._libraries = libraries
        self._loader = PainterLoader(
            demo=settings.demo,
            models_dir=settings.models_dir,
            safety_checker=settings.safety_checker,
            painters=painters,
            hub=HubModel(*settings.hub("generation")),
            one_at_a_time=one_at_a_time,
            **settings.placement("generation"),
        )
        self._painter: KeptModel[Painter] = KeptModel("generation")
        self.batcher = Batcher(
            max_batch=settings.vision_generation_max_batch,
            hang_s=settings.vision_generation_hang_s,
            family="generation",
        )
        self.service = GenerationService(
            painter=self._painter,
            batcher=self.batcher,
            admission=Admission(settings.vision_generation_queue_size, "generation"),
            decoders=decoders,
            decode=functools.partial(whole, limits=image_limits(settings)),
        )

    @property
    def health(self) -> Health:
        """Ready once the model is in memory and warm."""
        return self._painter.health

    async def register(self, server: FacetServer) -> None:
        """Offers the service to callers."""
        add = generation_pb2_grpc.add_GenerationServiceServicer_to_server
        await server.register(SERVICE_NAME, add, GenerationServicer(self.service))

    async def keep(self) -> None:
        """Loads the model, trying again until that succeeds."""
        await self._libraries()
        await self._painter.keep(self._loader.load)

    async def close(self) -> None:
        """Ends the worker."""
        await self.batcher.close()
