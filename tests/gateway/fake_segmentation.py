"""A segmenter that answers given masks, and masks as messages."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from facet.vision.v1 import segmentation_pb2, segmentation_pb2_grpc, serving_pb2
from facetkit.errors import InvalidInput
from facetkit.images import ImageLimits, decode
from tests.gateway.fakes import Fake

SEGMENTER = serving_pb2.ModelInfo(name="sam-vit-l", version="1", model_set="demo")

Array = npt.NDArray[np.bool_]


class FakeSegmentation(Fake, segmentation_pb2_grpc.SegmentationServiceServicer):
    """Finds `parts`, boxes of left, top, right, bottom, in every image, or `messages` instead.

    A prompt means the whole image, with `several` the halves of it as well.
    """

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[tuple[int, int, int, int]] = []
        self.messages: list[segmentation_pb2.Mask] = []
        self.encoding_reused = False

    async def GetSegmentationModel(
        self, request: segmentation_pb2.GetSegmentationModelRequest, context: Any
    ) -> segmentation_pb2.GetSegmentationModelResponse:
        return segmentation_pb2.GetSegmentationModelResponse(model=SEGMENTER)

    async def SegmentImage(
        self, request: segmentation_pb2.SegmentImageRequest, context: Any
    ) -> segmentation_pb2.SegmentImageResponse:
        await self.note(request, context)
        width, height = _size(request.image)
        masks = [mask_message(box_mask(part, width, height)) for part in self.parts]
        return segmentation_pb2.SegmentImageResponse(
            masks=(self.messages or masks)[: request.max_masks or 64],
            model=SEGMENTER,
            width=width,
            height=height,
        )

    async def SegmentPrompt(
        self, request: segmentation_pb2.SegmentPromptRequest, context: Any
    ) -> segmentation_pb2.SegmentPromptResponse:
        await self.note(request, context)
        width, height = _size(request.image)
        for index, point in enumerate(request.points):
            if not (0 <= point.x < width and 0 <= point.y < height):
                field = f"points[{index}]"
                raise InvalidInput(f"'{field}' is outside", fields={field: "is outside"})
        whole, left = (0, 0, width, height), (0, 0, width // 2, height)
        boxes = [whole, left, (width // 2, 0, width, height)] if request.several else [whole]
        return segmentation_pb2.SegmentPromptResponse(
            masks=[mask_message(box_mask(box, width, height)) for box in boxes],
            model=SEGMENTER,
            width=width,
            height=height,
            encoding_reused=self.encoding_reused,
        )


def box_mask(box: tuple[int, int, int, int], width: int, height: int) -> Array:
    """A mask of height × width that is set within the box."""
    left, top, right, bottom = box
    mask = np.zeros((height, width), np.bool_)
    mask[top:bottom, left:right] = True
    return mask


def run_lengths(mask: Array) -> list[int]:
    """Run lengths, column by column, counted one by one."""
    counts, current = [0], False
    for value in mask.T.reshape(-1).tolist():
        if value != current:
            counts.append(0)
            current = value
        counts[-1] += 1
    return counts


def mask_message(mask: Array, holes: Sequence[Sequence[float]] = ()) -> segmentation_pb2.Mask:
    """A mask that is not empty; its ring is its box."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, right = float(columns[0]), float(columns[-1] + 1)
    top, bottom = float(rows[0]), float(rows[-1] + 1)
    corners = [left, top, right, top, right, bottom, left, bottom]
    return segmentation_pb2.Mask(
        counts=run_lengths(mask),
        area=int(mask.sum()),
        box=segmentation_pb2.Box(left=left, top=top, right=right, bottom=bottom),
        predicted_iou=0.875,
        stability=0.75,
        outer=segmentation_pb2.Ring(coordinates=corners),
        holes=[segmentation_pb2.Ring(coordinates=hole) for hole in holes],
    )


def _size(image: bytes) -> tuple[int, int]:
    decoded = decode(image, min_side=1, limits=ImageLimits())
    return decoded.width, decoded.height
