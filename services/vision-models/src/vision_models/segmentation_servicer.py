"""Protobuf ↔ domain for the Segmentation family."""

from typing import Any

from facet.vision.v1 import segmentation_pb2, segmentation_pb2_grpc
from vision_models.segmentation_domain import Box, Part, Point, Prompt, Ring
from vision_models.segmentation_service import SegmentationService
from vision_models.serving import lane_of, model_message

SERVICE_NAME = segmentation_pb2.DESCRIPTOR.services_by_name["SegmentationService"].full_name


class SegmentationServicer(segmentation_pb2_grpc.SegmentationServiceServicer):
    """facet.vision.v1.SegmentationService over a SegmentationService."""

    def __init__(self, service: SegmentationService) -> None:
        self._service = service

    async def GetSegmentationModel(
        self, request: segmentation_pb2.GetSegmentationModelRequest, context: Any
    ) -> segmentation_pb2.GetSegmentationModelResponse:
        """The model that answers."""
        model = model_message(self._service.model)
        return segmentation_pb2.GetSegmentationModelResponse(model=model)

    async def SegmentImage(
        self, request: segmentation_pb2.SegmentImageRequest, context: Any
    ) -> segmentation_pb2.SegmentImageResponse:
        """Every part of one image."""
        made = await self._service.segment_image(
            request.image, request.points_per_side, request.max_masks, lane_of(request.lane)
        )
        return segmentation_pb2.SegmentImageResponse(
            masks=map(_mask, made.parts),
            model=model_message(made.model),
            width=made.width,
            height=made.height,
        )

    async def SegmentPrompt(
        self, request: segmentation_pb2.SegmentPromptRequest, context: Any
    ) -> segmentation_pb2.SegmentPromptResponse:
        """The part of one image that is meant."""
        made = await self._service.segment_prompt(
            request.image, _prompt(request), request.several, lane_of(request.lane)
        )
        return segmentation_pb2.SegmentPromptResponse(
            masks=map(_mask, made.parts),
            model=model_message(made.model),
            width=made.width,
            height=made.height,
            encoding_reused=made.encoding_reused,
        )


def _prompt(request: segmentation_pb2.SegmentPromptRequest) -> Prompt:
    points = tuple(Point(point.x, point.y, point.excluded) for point in request.points)
    box = request.box
    around = (box.left, box.top, box.right, box.bottom) if request.HasField("box") else None
    return Prompt(points, around)


def _mask(part: Part) -> segmentation_pb2.Mask:
    return segmentation_pb2.Mask(
        counts=part.counts.tolist(),
        area=part.area,
        box=_box(part.box),
        predicted_iou=part.predicted_iou,
        stability=part.stability,
        outer=_ring(part.outer),
        holes=map(_ring, part.holes),
    )


def _box(box: Box) -> segmentation_pb2.Box:
    left, top, right, bottom = box
    return segmentation_pb2.Box(left=left, top=top, right=right, bottom=bottom)


def _ring(ring: Ring) -> segmentation_pb2.Ring:
    return segmentation_pb2.Ring(coordinates=ring.reshape(-1).tolist())
