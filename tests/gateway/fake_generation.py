"""A GenerationService that tells of its work step by step, as far as tests let it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from facet.vision.v1 import generation_pb2, generation_pb2_grpc, serving_pb2
from tests.gateway.fakes import Fake
from tests.pictures import png

PAINTER = serving_pb2.ModelInfo(name="stable-diffusion-v1-5", version="1", model_set="demo")
FIRST_SEED = 41
PREVIEW = png(9, 16, 16)


class FakeGeneration(Fake, generation_pb2_grpc.GenerationServiceServicer):
    """Queues each call, takes its steps and answers pictures `png(seed)`.

    While `going` is clear, calls wait after their first step. `breaks_with` is raised there;
    with `ends_early` they end there. `unfinished` has the prompts of calls that did not come to
    their end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.going = asyncio.Event()
        self.going.set()
        self.breaks_with: Exception | None = None
        self.ends_early = False
        self.unfinished: list[str] = []
        self._begun = 0
        self._changed = asyncio.Condition()

    async def until_asked(self, times: int) -> None:
        """Waits for so many calls to be on their way."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._begun == times)

    async def until_unfinished(self, *prompts: str) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.unfinished == list(prompts))

    async def GetGenerationModel(
        self, request: generation_pb2.GetGenerationModelRequest, context: Any
    ) -> generation_pb2.GetGenerationModelResponse:
        raise NotImplementedError

    async def GenerateImages(
        self, request: generation_pb2.GenerateImagesRequest, context: Any
    ) -> AsyncIterator[generation_pb2.GenerateImagesResponse]:
        await self.note(request, context)
        finished = False
        try:
            async for response in self._responses(request):
                yield response
            finished = True
        finally:
            if not finished:
                self.unfinished.append(request.prompt)
                await self._notify()

    async def _responses(
        self, request: generation_pb2.GenerateImagesRequest
    ) -> AsyncIterator[generation_pb2.GenerateImagesResponse]:
        queued = generation_pb2.Queued(position=2)
        yield generation_pb2.GenerateImagesResponse(queued=queued)
        self._begun += 1
        await self._notify()
        for step in range(1, request.steps + 1):
            preview = PREVIEW if request.previews and step == request.steps else b""
            progress = generation_pb2.Progress(step=step, steps=request.steps, preview=preview)
            yield generation_pb2.GenerateImagesResponse(progress=progress)
            await self.going.wait()
            if self.breaks_with:
                raise self.breaks_with
            if self.ends_early:
                return
        yield generation_pb2.GenerateImagesResponse(generated=_generated(request))

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _generated(request: generation_pb2.GenerateImagesRequest) -> generation_pb2.Generated:
    first = request.seed if request.HasField("seed") else FIRST_SEED
    images = [
        generation_pb2.GeneratedImage(png=png(first + number), seed=first + number)
        for number in range(request.count)
    ]
    return generation_pb2.Generated(
        images=images,
        model=PAINTER,
        scheduler=request.scheduler or "pndm",
        prompt_cut=len(request.prompt) > 100,
        native_width=128,
        native_height=64,
    )
