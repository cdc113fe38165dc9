"""Protobuf ↔ domain for the Caption family."""

from typing import Any

from facet.vision.v1 import caption_pb2, caption_pb2_grpc
from vision_models.caption_requests import Prompts
from vision_models.caption_service import CaptionerState, CaptionService
from vision_models.places import ModelState
from vision_models.serving import lane_of, model_message

SERVICE_NAME = caption_pb2.DESCRIPTOR.services_by_name["CaptionService"].full_name

_STATES = {
    ModelState.UNLOADED: caption_pb2.CaptionModel.STATE_UNLOADED,
    ModelState.LOADING: caption_pb2.CaptionModel.STATE_LOADING,
    ModelState.LOADED: caption_pb2.CaptionModel.STATE_LOADED,
    ModelState.NOT_READY: caption_pb2.CaptionModel.STATE_NOT_READY,
}


class CaptionServicer(caption_pb2_grpc.CaptionServiceServicer):
    """facet.vision.v1.CaptionService over a CaptionService."""

    def __init__(self, service: CaptionService) -> None:
        self._service = service

    async def ListCaptionModels(
        self, request: caption_pb2.ListCaptionModelsRequest, context: Any
    ) -> caption_pb2.ListCaptionModelsResponse:
        """Every captioner, and whether it can answer."""
        models = [_state(state) for state in self._service.states()]
        return caption_pb2.ListCaptionModelsResponse(models=models)

    async def CaptionImage(
        self, request: caption_pb2.CaptionImageRequest, context: Any
    ) -> caption_pb2.CaptionImageResponse:
        """One image in words."""
        prompts = _prompts(request)
        made = await self._service.caption_image(
            request.model, request.image, prompts, lane_of(request.lane)
        )
        return caption_pb2.CaptionImageResponse(
            caption=made.caption,
            tags=made.tags,
            flagged=made.flagged,
            cached=made.cached,
            model=model_message(made.model),
        )

    async def CaptionCollection(
        self, request: caption_pb2.CaptionCollectionRequest, context: Any
    ) -> caption_pb2.CaptionCollectionResponse:
        """Several images in one caption."""
        prompts = _prompts(request)
        made = await self._service.caption_collection(
            request.model, list(request.images), prompts, lane_of(request.lane)
        )
        return caption_pb2.CaptionCollectionResponse(
            caption=made.caption,
            tags=made.tags,
            flagged=made.flagged,
            cached=made.cached,
            model=model_message(made.model),
        )

    async def ResetCaptionCache(
        self, request: caption_pb2.ResetCaptionCacheRequest, context: Any
    ) -> caption_pb2.ResetCaptionCacheResponse:
        """Forgets the cached captions."""
        return caption_pb2.ResetCaptionCacheResponse(deleted=await self._service.reset_cache())


def _prompts(
    request: caption_pb2.CaptionImageRequest | caption_pb2.CaptionCollectionRequest,
) -> Prompts:
    # Blank ones are none, and would only be other keys of the cache.
    return Prompts(request.caption_prompt.strip(), request.flag_caption_prompt.strip())


def _state(state: CaptionerState) -> caption_pb2.CaptionModel:
    return caption_pb2.CaptionModel(
        key=state.key,
        state=_STATES[state.state],
        reason=state.reason,
        collective=state.collective,
        model=model_message(state.model) if state.model else None,
    )
