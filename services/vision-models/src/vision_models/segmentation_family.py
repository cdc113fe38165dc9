"""Wiring of the Segmentation family."""

import functools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
from PIL import Image

from facet.vision.v1 import segmentation_pb2_grpc
from facetkit.health import Health
from facetkit.images import ImageLimits, decode
from facetkit.server import FacetServer
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.decoding import image_limits
from vision_models.kept_model import KeptModel
from vision_models.loading import Libraries
from vision_models.segmentation_domain import ReducedPicture, Segmenter
from vision_models.segmentation_encodings import Encodings
from vision_models.segmentation_loading import SegmenterLoader
from vision_models.segmentation_service import SegmentationService
from vision_models.segmentation_servicer import SERVICE_NAME, SegmentationServicer
from vision_models.settings import Settings

POINTS_PER_SIDE, DEMO_POINTS_PER_SIDE = 32, 8


class SegmentationFamily:
    """SAM: its service, and what keeps it ready."""

    name = SERVICE_NAME

    def __init__(
        self,
        settings: Settings,
        decoders: ThreadPoolExecutor,
        libraries: Libraries,
        one_at_a_time: Lock,
        segmenters: Mapping[str, str],
    ) -> None:
        self._libraries = libraries
        self._loader = _loader(settings, segmenters, one_at_a_time)
        self._segmenter: KeptModel[Segmenter] = KeptModel("segmentation")
        # One by one: a picture alone fills the device.
        self.batcher = Batcher(
            max_batch=1, hang_s=settings.vision_segmentation_hang_s, family="segmentation"
        )
        reduce = functools.partial(reduced, limits=image_limits(settings))
        usual = DEMO_POINTS_PER_SIDE if settings.demo else POINTS_PER_SIDE
        self.service = SegmentationService(
            segmenter=self._segmenter,
            batcher=self.batcher,
            admission=Admission(settings.vision_segmentation_queue_size, "segmentation"),
            decoders=decoders,
            encodings=Encodings(self.batcher, decoders, reduce, settings.segmentation_encodings),
            points_per_side=settings.points_per_side or usual,
        )

    @property
    def health(self) -> Health:
        """Ready once the model is in memory and warm."""
        return self._segmenter.health

    async def register(self, server: FacetServer) -> None:
        """Offers the service to callers."""
        add = segmentation_pb2_grpc.add_SegmentationServiceServicer_to_server
        await server.register(SERVICE_NAME, add, SegmentationServicer(self.service))

    async def keep(self) -> None:
        """Loads the model, trying again until that succeeds."""
        await self._libraries()
        await self._segmenter.keep(self._loader.load)

    async def close(self) -> None:
        """Ends the worker."""
        await self.batcher.close()


def reduced(content: bytes, side: int, *, limits: ImageLimits) -> ReducedPicture:
    """Decodes the whole picture, reduced until its longer side is at most `side` pixels."""
    # What `decode` keeps is twice this: as much as the model sees.
    decoded = decode(content, min_side=side // 2, limits=limits)
    image = decoded.image
    scale = side / max(image.size)
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BILINEAR)
    return ReducedPicture(np.asarray(image), decoded.width, decoded.height)


def _loader(
    settings: Settings, segmenters: Mapping[str, str], one_at_a_time: Lock
) -> SegmenterLoader:
    return SegmenterLoader(
        demo=settings.demo,
        models_dir=settings.models_dir,
        segmenters=segmenters,
        source=settings.segmentation_model,
        sha256=_sha256(settings),
        one_at_a_time=one_at_a_time,
        **settings.placement("segmentation"),
    )


def _sha256(settings: Settings) -> str:
    """What the checkpoint must have: the pinned one says nothing of another file or folder."""
    model, sha256 = settings.segmentation_model, settings.segmentation_sha256
    pinned = Settings.model_fields["segmentation_sha256"].default
    return "" if sha256 == pinned and "://" not in model else sha256
