"""Captions by the models themselves: admit, decode, batch, flag."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from facetkit import deadlines
from vision_models import metrics
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.caption_cache import CachedCaption
from vision_models.caption_requests import Prompts, naming
from vision_models.domain import Captioner, ChatCaptioner, Lane, Pixels, Prompted
from vision_models.pool import ModelPool

Result = TypeVar("Result")

Decode = Callable[[bytes, int], Pixels]
"""Decodes an image whose shorter side may come reduced, to no less than the given pixels."""

Judge = Callable[[bytes, str, Lane], Awaitable[float]]
"""How well a text describes an image, 0 to 1: asked where a captioner cannot be."""

FLAGGED_FROM = 0.5


class Captioning:
    """What a caption costs when no cache has it. `chats` are the models that answer questions."""

    def __init__(
        self,
        *,
        pool: ModelPool[Captioner],
        batcher: Batcher,
        admission: Admission,
        decoders: ThreadPoolExecutor,
        decode: Decode,
        judge: Judge,
        nouns: Callable[[str], tuple[str, ...]],
        chats: Collection[str],
    ) -> None:
        self._pool = pool
        self._batcher = batcher
        self._admission = admission
        self._decoders = decoders
        self._decode = decode
        self._judge = judge
        self._nouns = nouns
        self._chats = chats

    async def run(
        self, model: str, images: Sequence[bytes], prompts: Prompts, lane: Lane
    ) -> CachedCaption:
        """One caption of all `images`: several only for one of `chats`.

        Raises InvalidInput and its kin for a bad image, naming `images[index]` where there are
        several; Overloaded for a full queue, NotReady for a model that cannot be loaded.
        """
        async with self._admission.admitted(lane):
            deadlines.check()
            async with self._pool.lease(model) as captioner:
                pictures = await self._decoded(images, captioner.min_side)
                prompted = await self._thread(captioner.prepare, pictures, prompts.caption)
                # First what costs least: a question that is refused need not wait for a caption.
                flagged = bool(prompts.flag) and await self._flagged(
                    model, captioner, images, pictures, prompts.flag, lane
                )
                caption = await self._compute(captioner.caption, prompted, lane)
        tags = await self._thread(self._nouns, caption)
        return CachedCaption(caption, tags, flagged)

    async def _flagged(
        self,
        model: str,
        captioner: Captioner,
        images: Sequence[bytes],
        pictures: Sequence[Pixels],
        question: str,
        lane: Lane,
    ) -> bool:
        if model in self._chats:
            chat = cast(ChatCaptioner, captioner)
            prompted = await self._thread(chat.prepare_question, pictures, question)
            confidence = await self._compute(chat.affirm, prompted, lane)
        else:
            confidence = await self._judge(images[0], question, lane)
        return confidence >= FLAGGED_FROM

    async def _decoded(self, images: Sequence[bytes], min_side: int) -> list[Pixels]:
        # One after the other: sixteen large pictures decoded at once are gigabytes.
        if len(images) == 1:
            return [await self._picture(images[0], min_side)]
        pictures = []
        for index, image in enumerate(images):
            with naming(f"images[{index}]"):
                pictures.append(await self._picture(image, min_side))
        return pictures

    async def _picture(self, image: bytes, min_side: int) -> Pixels:
        started = time.perf_counter()
        pixels = await self._thread(self._decode, image, min_side)
        metrics.PREPROCESS_SECONDS.observe(time.perf_counter() - started)
        return pixels

    async def _compute(
        self, work: Callable[[Sequence[Prompted]], list[Result]], prompted: Prompted, lane: Lane
    ) -> Result:
        try:
            result: Result = await self._batcher.submit(work, prompted, lane, prompted.shape)
        finally:
            prompted.abandoned.set()
        return result

    async def _thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._decoders, work, *arguments)
