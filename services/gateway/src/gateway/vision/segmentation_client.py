"""The gateway's view of the segmenter."""

from facet.vision.v1 import segmentation_pb2, segmentation_pb2_grpc, serving_pb2
from facetkit.client import RpcClient
from gateway.vision.segmentation_domain import Box, Mask, Point, Prompt, Segmentation

SEGMENTATION_SERVICE = segmentation_pb2.DESCRIPTOR.services_by_name["SegmentationService"].full_name


class SegmentationClient:
    """The Segmentation family through `rpc`; errors come back as the FacetError raised there."""

    def __init__(self, rpc: RpcClient) -> None:
        self.rpc = rpc
        self._stub = segmentation_pb2_grpc.SegmentationServiceStub(rpc.channel)

    async def segment_image(self, image: bytes, max_masks: int) -> Segmentation:
        """Every part of an encoded image, the largest first."""
        request = segmentation_pb2.SegmentImageRequest(
            image=image, max_masks=max_masks, lane=serving_pb2.LANE_INTERACTIVE
        )
        response = await self.rpc.call(self._stub.SegmentImage, request)
        return _segmentation(response)

    async def segment_prompt(self, image: bytes, prompt: Prompt) -> Segmentation:
        """What `prompt` means in an encoded image, the likeliest first."""
        request = segmentation_pb2.SegmentPromptRequest(
            image=image,
            points=[_point(point) for point in prompt.points],
            box=_box(prompt.box) if prompt.box else None,
            several=prompt.several,
            lane=serving_pb2.LANE_INTERACTIVE,
        )
        response = await self.rpc.call(self._stub.SegmentPrompt, request)
        return _segmentation(response, encoding_reused=response.encoding_reused)


def _point(point: Point) -> segmentation_pb2.Point:
    return segmentation_pb2.Point(x=point.x, y=point.y, excluded=point.excluded)


def _box(box: Box) -> segmentation_pb2.Box:
    left, top, right, bottom = box
    return segmentation_pb2.Box(left=left, top=top, right=right, bottom=bottom)


def _segmentation(
    response: segmentation_pb2.SegmentImageResponse | segmentation_pb2.SegmentPromptResponse,
    *,
    encoding_reused: bool = False,
) -> Segmentation:
    return Segmentation(
        masks=[_mask(mask) for mask in response.masks],
        width=response.width,
        height=response.height,
        model=response.model.name,
        model_set=response.model.model_set,
        encoding_reused=encoding_reused,
    )


def _mask(mask: segmentation_pb2.Mask) -> Mask:
    # Runs and rings stay in the message: a large picture's are millions of numbers.
    return Mask(
        counts=mask.counts,
        area=mask.area,
        box=(mask.box.left, mask.box.top, mask.box.right, mask.box.bottom),
        predicted_iou=mask.predicted_iou,
        stability=mask.stability,
        outer=mask.outer.coordinates,
        holes=[hole.coordinates for hole in mask.holes],
    )
