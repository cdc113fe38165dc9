"""All wiring of vision-models."""

import asyncio
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

from facetkit import metrics as kit_metrics
from facetkit.client import MAX_LARGE_MESSAGE_BYTES
from facetkit.health import LIVENESS, Health
from facetkit.memory import keep_trimmed
from facetkit.server import FacetServer, ServerLimits
from vision_models.batcher import Batcher
from vision_models.caption_family import CaptionFamily
from vision_models.embedding_family import EmbeddingFamily
from vision_models.generation_family import GenerationFamily
from vision_models.loading import import_libraries
from vision_models.models import (
    CAPTIONERS,
    CHATS,
    EMBEDDERS,
    PAINTERS,
    SEGMENTERS,
    ZERO_SHOT_MODELS,
)
from vision_models.once import Once
from vision_models.segmentation_family import SegmentationFamily
from vision_models.settings import Settings

WATCH_S = 1.0
_STARTING_WATCH_S = 0.2


class Family(Protocol):
    """What the process asks of every family that it serves."""

    name: str
    batcher: Batcher

    @property
    def health(self) -> Health:
        """Whether it can answer."""

    async def register(self, server: FacetServer) -> None:
        """Offers its service to callers."""

    async def keep(self) -> None:
        """Makes it ready and keeps it so; may end."""

    async def close(self) -> None:
        """Lets go of everything."""


@dataclass(frozen=True, slots=True)
class Implementations:
    """The models by name, as import strings; `chats` are the captioners that answer questions."""

    embedders: Mapping[str, str] = field(default_factory=lambda: EMBEDDERS)
    zero_shot_models: Mapping[str, str] = field(default_factory=lambda: ZERO_SHOT_MODELS)
    painters: Mapping[str, str] = field(default_factory=lambda: PAINTERS)
    segmenters: Mapping[str, str] = field(default_factory=lambda: SEGMENTERS)
    captioners: Mapping[str, str] = field(default_factory=lambda: CAPTIONERS)
    chats: Collection[str] = CHATS

    def used(self, families: Collection[str]) -> list[str]:
        """The import strings that the families need."""
        # The captioners ask CLIP too.
        clip = {**self.embedders, **self.zero_shot_models}
        needed: dict[str, list[Mapping[str, str]]] = {
            "embedding": [clip],
            "generation": [self.painters],
            "segmentation": [self.segmenters],
            "caption": [clip, self.captioners],
        }
        models = [each for name in families for each in needed[name]]
        return sorted({implementation for each in models for implementation in each.values()})


async def serve(settings: Settings, models: Implementations | None = None) -> None:
    """Runs the service until it is told to stop."""
    models = models or Implementations()
    kit_metrics.serve(settings.metrics_host, settings.metrics_port)
    decoders = ThreadPoolExecutor(settings.vision_decoders, thread_name_prefix="decoder")
    used = models.used(settings.vision_families)
    libraries = Once(functools.partial(import_libraries, settings.vision_threads, used))
    shared = (settings, decoders, libraries, Lock())
    embedding = EmbeddingFamily(*shared, models.embedders, models.zero_shot_models)
    judge = embedding.service.describes
    makers: dict[str, Callable[[], Family]] = {
        "embedding": lambda: embedding,
        "generation": lambda: GenerationFamily(*shared, models.painters),
        "segmentation": lambda: SegmentationFamily(*shared, models.segmenters),
        "caption": lambda: CaptionFamily(*shared, judge, models.captioners, models.chats),
    }
    await _run(settings, [makers[name]() for name in settings.vision_families])
    # Where it is not served, the captioners may have asked it.
    await embedding.close()


async def _run(settings: Settings, families: Sequence[Family]) -> None:
    server = FacetServer(ServerLimits(max_message_bytes=MAX_LARGE_MESSAGE_BYTES))
    for family in families:
        await family.register(server)
    await server.start(f"{settings.host}:{settings.port}")
    work = [family.keep() for family in families]
    work += [_watch(server, family) for family in families]
    work += [_watch_liveness(server, families), keep_trimmed()]
    tasks = [asyncio.create_task(each) for each in work]
    await server.run_until_signal(drain_s=settings.drain_s, grace_s=settings.grace_s)
    for task in tasks:
        task.cancel()
    for family in families:
        await family.close()


async def _watch(server: FacetServer, family: Family) -> None:
    """Keeps the health in step with the models and the worker."""
    while True:
        hung = family.batcher.hung
        health = Health(False, "the model's worker hangs") if hung else family.health
        await server.health.report(family.name, health)
        await asyncio.sleep(WATCH_S if health.ready else _STARTING_WATCH_S)


async def _watch_liveness(server: FacetServer, families: Sequence[Family]) -> None:
    while True:
        hung = any(family.batcher.hung for family in families)
        live = Health(False, "a model's worker hangs") if hung else Health(ready=True)
        await server.health.report(LIVENESS, live)
        await asyncio.sleep(WATCH_S)
