"""Wiring of the Caption family."""

import asyncio
import functools
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock

from facet.vision.v1 import caption_pb2_grpc
from facetkit.errors import NotReady
from facetkit.health import Health
from facetkit.server import FacetServer
from vision_models import caption_loading, tags
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.caches.opening import open_caption_cache
from vision_models.caption_cache import CaptionCache
from vision_models.caption_loading import CaptionerLoader
from vision_models.caption_service import CaptionService
from vision_models.caption_servicer import SERVICE_NAME, CaptionServicer
from vision_models.captioning import Captioning, Judge
from vision_models.decoding import image_limits, whole
from vision_models.domain import Captioner, Lane, ModelInfo
from vision_models.loading import HubModel, Libraries
from vision_models.places import ModelState
from vision_models.pool import ModelPool
from vision_models.settings import Settings

DEFAULT = "blip"
WATCH_S = 1.0


class CaptionFamily:
    """The captioners: pool, cache and worker, and what keeps them ready."""

    name = SERVICE_NAME

    def __init__(
        self,
        settings: Settings,
        decoders: ThreadPoolExecutor,
        libraries: Libraries,
        one_at_a_time: Lock,
        judge: Judge,
        captioners: Mapping[str, str],
        chats: Collection[str],
    ) -> None:
        self._libraries = libraries
        self._loader = _loader(settings, captioners, one_at_a_time)
        self.batcher = Batcher(
            max_batch=settings.vision_caption_max_batch,
            hang_s=settings.vision_caption_hang_s,
            family="caption",
        )
        self._pool: ModelPool[Captioner] = ModelPool(
            self._loader.load,
            self._unload,
            capacity=settings.capacity,
            pinned=settings.model_pinned,
            ttl_s=settings.model_ttl_s,
        )
        self._cache = _open_cache(settings)
        self._wanted = [DEFAULT, *(key for key in settings.model_pinned if key != DEFAULT)]
        self._warmed = False
        self.service = CaptionService(
            collective={key: key in chats for key in captioners},
            pool=self._pool,
            captioning=Captioning(
                pool=self._pool,
                batcher=self.batcher,
                admission=Admission(settings.vision_caption_queue_size, "caption"),
                decoders=decoders,
                decode=functools.partial(whole, limits=image_limits(settings)),
                judge=judge,
                nouns=tags.nouns,
                chats=chats,
            ),
            cache=self._cache,
            identify=self._identify,
            max_new_tokens=settings.caption_max_new_tokens,
        )

    @property
    def health(self) -> Health:
        """Ready once the default model was tried, unless every model that was tried failed."""
        states = self.service.states()
        failed = [state.reason for state in states if state.state is ModelState.NOT_READY]
        if not self._warmed:
            return Health(False, "loading")
        return Health(len(failed) < len(states), "; ".join(failed))

    async def register(self, server: FacetServer) -> None:
        """Offers the service to callers."""
        add = caption_pb2_grpc.add_CaptionServiceServicer_to_server
        await server.register(SERVICE_NAME, add, CaptionServicer(self.service))

    async def keep(self) -> None:
        """Warms the default and the pinned models, then unloads what is idle for too long."""
        await self._libraries()
        await asyncio.to_thread(tags.load)
        for key in self._wanted:
            with suppress(NotReady):
                async with self._pool.lease(key):
                    pass
        self._warmed = True
        while True:
            await asyncio.sleep(WATCH_S)
            self._pool.unload_idle()

    async def close(self) -> None:
        """Ends the worker and lets go of the cache."""
        await self._pool.close()
        await self.batcher.close()
        await self._cache.close()

    async def _identify(self, key: str) -> ModelInfo:
        await self._libraries()
        return await asyncio.to_thread(self._loader.identity, key)

    async def _unload(self, captioner: Captioner) -> None:
        # By the worker: a batch that everybody has left may still be computed.
        await self.batcher.submit(_unload_all, captioner, Lane.INTERACTIVE)


def _unload_all(captioners: list[Captioner]) -> list[None]:
    for captioner in captioners:
        caption_loading.unload(captioner)
    return [None] * len(captioners)


def _loader(
    settings: Settings, captioners: Mapping[str, str], one_at_a_time: Lock
) -> CaptionerLoader:
    return CaptionerLoader(
        demo=settings.demo,
        models_dir=settings.models_dir,
        max_new_tokens=settings.caption_max_new_tokens,
        captioners=captioners,
        one_at_a_time=one_at_a_time,
        hub={key: HubModel(*settings.hub(key)) for key in captioners},
        **settings.placement("caption"),
    )


def _open_cache(settings: Settings) -> CaptionCache:
    return open_caption_cache(
        host=settings.shared_cache_host,
        port=settings.redis_port,
        db=settings.redis_db,
        username=settings.redis_username,
        password=settings.redis_password.get_secret_value(),
        tls=settings.redis_tls,
        ttl_s=settings.cache_ttl_seconds,
        items=settings.caption_cache_items,
    )
