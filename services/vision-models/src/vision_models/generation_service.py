"""The Generation family: check, admit, decode, draw in batches, tell of it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any, TypeVar

from facetkit import deadlines
from facetkit.errors import InvalidInput
from vision_models import drawing_plan, picture_files
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.domain import Lane, Pixels
from vision_models.drawing_progress import DrawingProgress
from vision_models.generation_domain import Drawing, Painter
from vision_models.generation_requests import (
    Drawn,
    GenerationEvent,
    Picture,
    PictureRequest,
    check,
)
from vision_models.kept_model import KeptModel

Result = TypeVar("Result")

Decode = Callable[[bytes, int], Pixels]
"""Decodes an image whose shorter side may come reduced, to no less than the given pixels."""


class GenerationService:
    """Pictures from words by the model that `painter` keeps."""

    def __init__(
        self,
        *,
        painter: KeptModel[Painter],
        batcher: Batcher,
        admission: Admission,
        decoders: ThreadPoolExecutor,
        decode: Decode,
    ) -> None:
        self._painter = painter
        self._batcher = batcher
        self._admission = admission
        self._decoders = decoders
        self._decode = decode

    @property
    def painter(self) -> Painter:
        """The model that answers. Raises NotReady while there is none."""
        return self._painter.get()

    async def generate(
        self, request: PictureRequest, lane: Lane
    ) -> AsyncGenerator[GenerationEvent, None]:
        """Queued, Progressed and last Drawn; closing the generator abandons the pictures.

        Raises InvalidInput and its kin naming the fields, Overloaded, NotReady, and Unprocessable
        for a picture that is held back.
        """
        painter = self.painter
        check(request, painter.schedulers)
        async with self._admission.admitted(lane):
            deadlines.check()
            start = await self._start(request)
            progress = DrawingProgress(request.count, self._batcher.advance)
            drawings = drawing_plan.drawings(request, painter, start, progress)
            try:
                events = progress.events(self._draw(painter, drawings, progress, lane))
                async with aclosing(events):
                    async for event in events:
                        yield event
                yield await self._drawn(request, painter, drawings, progress.results)
            finally:
                for drawing in drawings:
                    drawing.abandoned.set()

    async def _start(self, request: PictureRequest) -> Pixels | None:
        if not request.init_image:
            return None
        side = max(request.width, request.height)
        try:
            return await self._thread(self._decode, request.init_image, side)
        except InvalidInput as error:
            raise type(error)(error.message, fields={"init_image": error.message}) from error

    async def _draw(
        self, painter: Painter, drawings: list[Drawing], progress: DrawingProgress, lane: Lane
    ) -> list[Pixels]:
        drawn: list[Pixels] = await asyncio.gather(
            *(
                self._batcher.submit(
                    painter.draw, drawing, lane, drawing.sampling, progress.watch(index)
                )
                for index, drawing in enumerate(drawings)
            )
        )
        return drawn

    async def _drawn(
        self,
        request: PictureRequest,
        painter: Painter,
        drawings: list[Drawing],
        pixels: list[Pixels],
    ) -> Drawn:
        size = (request.width, request.height)
        pictures = [
            Picture(
                await self._thread(
                    picture_files.encode, drawn, size, drawing_plan.facts(request, drawing, painter)
                ),
                drawing.seed,
            )
            for drawing, drawn in zip(drawings, pixels, strict=True)
        ]
        sampling = drawings[0].sampling
        return Drawn(
            pictures,
            painter.info,
            sampling.scheduler,
            sampling.width,
            sampling.height,
            prompt_cut=not all(
                painter.reads_all(text) for text in (request.prompt, request.negative_prompt)
            ),
        )

    async def _thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._decoders, work, *arguments)
