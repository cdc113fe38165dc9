"""The Generation family: check, admit, decode, draw in batches, tell of it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any, TypeVar

from facetkit import deadlines
from facetkit.errors import InvalidInput
from vision_models import picture_files
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.domain import Lane, Pixels
from vision_models.drawing_progress import DrawingProgress
from vision_models.generation_domain import Drawing, Painter, Sampling
from vision_models.generation_requests import (
    SIDE_UNIT,
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
            sampling = _sampling(request, painter)
            start = await self._start(request)
            progress = DrawingProgress(request.count, self._batcher.advance)
            drawings = [
                _drawing(request, seed, sampling, start, progress, index)
                for index, seed in enumerate(request.seeds)
            ]
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
                    picture_files.encode, drawn, size, _facts(request, drawing, painter)
                ),
                drawing.seed,
            )
            for drawing, drawn in zip(drawings, pixels, strict=True)
        ]
        sampling = drawings[0].sampling
        return Drawn(pictures, painter.info, sampling.scheduler, sampling.width, sampling.height)

    async def _thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._decoders, work, *arguments)


def _sampling(request: PictureRequest, painter: Painter) -> Sampling:
    width, height = _native_size(request.width, request.height, painter.native_side)
    return Sampling(
        width,
        height,
        request.steps,
        request.guidance_scale,
        request.scheduler or painter.schedulers[0],
        request.strength if request.init_image else None,
    )


def _native_size(width: int, height: int, native_side: int) -> tuple[int, int]:
    """The size asked for, or one of the same proportions that the model knows to draw."""
    longest = max(width, height)
    if not native_side or longest <= native_side:
        return width, height
    scale = native_side / longest / SIDE_UNIT
    return (
        max(SIDE_UNIT, round(width * scale) * SIDE_UNIT),
        max(SIDE_UNIT, round(height * scale) * SIDE_UNIT),
    )


def _drawing(
    request: PictureRequest,
    seed: int,
    sampling: Sampling,
    start: Pixels | None,
    progress: DrawingProgress,
    index: int,
) -> Drawing:
    return Drawing(
        request.prompt,
        request.negative_prompt,
        seed,
        sampling,
        start,
        previews=request.previews and index == 0,
        advance=progress.advance(index),
    )


def _facts(request: PictureRequest, drawing: Drawing, painter: Painter) -> dict[str, str]:
    sampling = drawing.sampling
    facts = {
        "Software": "Facet",
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "seed": str(drawing.seed),
        "samples": str(request.steps),
        "cfg": f"{request.guidance_scale:g}",
        "width": str(request.width),
        "height": str(request.height),
        "scheduler": sampling.scheduler,
        "native_width": str(sampling.width),
        "native_height": str(sampling.height),
        "model": painter.info.name,
        "model_version": painter.info.version,
        "model_set": painter.info.model_set,
    }
    if sampling.strength is not None:
        facts["strength"] = f"{sampling.strength:g}"
    return facts
