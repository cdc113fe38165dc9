"""The Caption family: check, look into the cache, share equal calls, caption."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from facetkit.errors import InvalidInput
from vision_models.caption_cache import (
    CachedCaption,
    CaptionCache,
    collection_key,
    image_key,
    variant,
)
from vision_models.caption_requests import (
    Captioned,
    Prompts,
    check_images,
    check_model,
    check_prompts,
    digest,
)
from vision_models.captioning import Captioning
from vision_models.domain import Captioner, Lane, ModelInfo
from vision_models.places import ModelState
from vision_models.pool import ModelPool
from vision_models.shared_calls import SharedCalls

Identify = Callable[[str], Awaitable[ModelInfo]]
"""Which weights a model's key stands for; found without loading them."""


@dataclass(frozen=True, slots=True)
class CaptionerState:
    """One captioner by its key: `collective` ones caption several images together."""

    key: str
    state: ModelState
    reason: str
    collective: bool
    model: ModelInfo | None


class CaptionService:
    """Captions by any of the models of `collective` (key → whether it takes several images)."""

    def __init__(
        self,
        *,
        collective: Mapping[str, bool],
        pool: ModelPool[Captioner],
        captioning: Captioning,
        cache: CaptionCache,
        identify: Identify,
        max_new_tokens: int,
    ) -> None:
        self._collective = collective
        self._pool = pool
        self._captioning = captioning
        self._cache = cache
        self._identify = identify
        self._max_new_tokens = max_new_tokens
        self._identities: dict[str, ModelInfo] = {}
        self._calls: SharedCalls[CachedCaption] = SharedCalls()

    def states(self) -> list[CaptionerState]:
        """Every captioner, and where it is."""
        return [
            CaptionerState(
                key,
                self._pool.state(key),
                self._pool.reason(key),
                collective,
                self._identities.get(key),
            )
            for key, collective in self._collective.items()
        ]

    async def caption_image(
        self, model: str, image: bytes, prompts: Prompts, lane: Lane
    ) -> Captioned:
        """One image in words.

        Raises InvalidInput and its kin naming the field, Overloaded and NotReady.
        """
        check_model(model, self._collective)
        check_prompts(prompts)
        if not image:
            raise InvalidInput("'image' is empty", fields={"image": "is empty"})
        info = await self._identity(model)
        key = image_key(digest(image), self._variant(info, prompts))
        return await self._answer(key, model, info, [image], prompts, lane)

    async def caption_collection(
        self, model: str, images: Sequence[bytes], prompts: Prompts, lane: Lane
    ) -> Captioned:
        """Several images in one caption. Raises as `caption_image`."""
        check_model(model, [key for key, several in self._collective.items() if several])
        check_prompts(prompts)
        check_images(images)
        info = await self._identity(model)
        key = collection_key(list(map(digest, images)), self._variant(info, prompts))
        return await self._answer(key, model, info, images, prompts, lane)

    async def reset_cache(self) -> int:
        """Forgets every cached caption; how many there were. Raises Unavailable."""
        return await self._cache.reset()

    async def _identity(self, model: str) -> ModelInfo:
        if model not in self._identities:
            self._identities[model] = await self._identify(model)
        return self._identities[model]

    def _variant(self, info: ModelInfo, prompts: Prompts) -> str:
        return variant(
            info.name,
            info.version,
            info.model_set,
            prompts.caption,
            prompts.flag,
            self._max_new_tokens,
        )

    async def _answer(
        self,
        key: str,
        model: str,
        info: ModelInfo,
        images: Sequence[bytes],
        prompts: Prompts,
        lane: Lane,
    ) -> Captioned:
        found = await self._cache.get(key)
        cached = found is not None
        if found is None:
            found = await self._calls.run(
                (key, lane), lambda: self._caption(key, model, images, prompts, lane)
            )
        return Captioned(found.caption, found.tags, found.flagged, cached, info)

    async def _caption(
        self, key: str, model: str, images: Sequence[bytes], prompts: Prompts, lane: Lane
    ) -> CachedCaption:
        made = await self._captioning.run(model, images, prompts, lane)
        await self._cache.put(key, made)
        return made
