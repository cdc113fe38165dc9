"""Protobuf ↔ domain for the Generation family."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from facet.vision.v1 import generation_pb2, generation_pb2_grpc
from vision_models.generation_requests import (
    Drawn,
    GenerationEvent,
    PictureRequest,
    Progressed,
    Queued,
)
from vision_models.generation_service import GenerationService
from vision_models.serving import lane_of, model_message

SERVICE_NAME = generation_pb2.DESCRIPTOR.services_by_name["GenerationService"].full_name


class GenerationServicer(generation_pb2_grpc.GenerationServiceServicer):
    """facet.vision.v1.GenerationService over a GenerationService."""

    def __init__(self, service: GenerationService) -> None:
        self._service = service

    async def GetGenerationModel(
        self, request: generation_pb2.GetGenerationModelRequest, context: Any
    ) -> generation_pb2.GetGenerationModelResponse:
        """The model that answers."""
        painter = self._service.painter
        return generation_pb2.GetGenerationModelResponse(
            model=model_message(painter.info),
            schedulers=painter.schedulers,
            native_side=painter.native_side,
        )

    async def GenerateImages(
        self, request: generation_pb2.GenerateImagesRequest, context: Any
    ) -> AsyncGenerator[generation_pb2.GenerateImagesResponse, None]:
        """Pictures, with their progress."""
        events = self._service.generate(_asked(request), lane_of(request.lane))
        async with aclosing(events):
            async for event in events:
                yield _response(event)


def _asked(request: generation_pb2.GenerateImagesRequest) -> PictureRequest:
    return PictureRequest(
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        steps=request.steps,
        guidance_scale=request.guidance_scale,
        width=request.width,
        height=request.height,
        seed=request.seed if request.HasField("seed") else None,
        count=request.count,
        scheduler=request.scheduler,
        init_image=request.init_image,
        strength=request.strength,
        previews=request.previews,
    )


def _response(event: GenerationEvent) -> generation_pb2.GenerateImagesResponse:
    match event:
        case Queued(position):
            queued = generation_pb2.Queued(position=position)
            return generation_pb2.GenerateImagesResponse(queued=queued)
        case Progressed(step, steps, preview):
            progress = generation_pb2.Progress(step=step, steps=steps, preview=preview)
            return generation_pb2.GenerateImagesResponse(progress=progress)
        case Drawn():
            return generation_pb2.GenerateImagesResponse(generated=_generated(event))


def _generated(drawn: Drawn) -> generation_pb2.Generated:
    return generation_pb2.Generated(
        images=[
            generation_pb2.GeneratedImage(png=picture.png, seed=picture.seed)
            for picture in drawn.pictures
        ],
        model=model_message(drawn.model),
        scheduler=drawn.scheduler,
        native_width=drawn.native_width,
        native_height=drawn.native_height,
        prompt_cut=drawn.prompt_cut,
    )
