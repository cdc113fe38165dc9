"""The gateway's view of the captioners."""

from collections.abc import Sequence

from facet.vision.v1 import caption_pb2, caption_pb2_grpc, serving_pb2
from facetkit.client import RpcClient
from gateway.vision.caption_domain import Caption, CaptionModel, CaptionQuestion

CAPTION_SERVICE = caption_pb2.DESCRIPTOR.services_by_name["CaptionService"].full_name
_STATE_PREFIX = "STATE_"


class CaptionClient:
    """The Caption family through `rpc`; errors come back as the FacetError that was raised."""

    def __init__(self, rpc: RpcClient) -> None:
        self.rpc = rpc
        self._stub = caption_pb2_grpc.CaptionServiceStub(rpc.channel)

    async def caption_image(self, image: bytes, question: CaptionQuestion) -> Caption:
        """One image in words."""
        request = caption_pb2.CaptionImageRequest(
            image=image,
            model=question.model,
            caption_prompt=question.caption_prompt,
            flag_caption_prompt=question.flag_caption_prompt,
            lane=serving_pb2.LANE_INTERACTIVE,
        )
        response = await self.rpc.call(self._stub.CaptionImage, request)
        return _caption(response)

    async def caption_collection(
        self, images: Sequence[bytes], question: CaptionQuestion
    ) -> Caption:
        """Several images in one caption."""
        request = caption_pb2.CaptionCollectionRequest(
            images=images,
            model=question.model,
            caption_prompt=question.caption_prompt,
            flag_caption_prompt=question.flag_caption_prompt,
            lane=serving_pb2.LANE_INTERACTIVE,
        )
        response = await self.rpc.call(self._stub.CaptionCollection, request)
        return _caption(response)

    async def models(self) -> list[CaptionModel]:
        """Every captioner, and whether it can answer."""
        request = caption_pb2.ListCaptionModelsRequest()
        response = await self.rpc.call(self._stub.ListCaptionModels, request)
        return [_model(model) for model in response.models]

    async def reset_cache(self) -> int:
        """Forgets the cached captions of all replicas; how many there were."""
        request = caption_pb2.ResetCaptionCacheRequest()
        return (await self.rpc.call(self._stub.ResetCaptionCache, request)).deleted


def _caption(
    response: caption_pb2.CaptionImageResponse | caption_pb2.CaptionCollectionResponse,
) -> Caption:
    return Caption(
        caption=response.caption,
        tags=list(response.tags),
        flagged=response.flagged,
        cached=response.cached,
        model=response.model.name,
        model_set=response.model.model_set,
    )


def _model(model: caption_pb2.CaptionModel) -> CaptionModel:
    state = caption_pb2.CaptionModel.State.Name(model.state)
    return CaptionModel(
        key=model.key,
        state=state.removeprefix(_STATE_PREFIX).lower(),
        reason=model.reason,
        collective=model.collective,
        model=model.model.name if model.HasField("model") else None,
        model_set=model.model.model_set if model.HasField("model") else None,
    )
