"""Protobuf ↔ domain of what every family shares."""

from facet.vision.v1 import serving_pb2
from vision_models.domain import Lane, ModelInfo


def lane_of(lane: int) -> Lane:
    """The lane that a request names; interactive where it names none."""
    return Lane.BULK if lane == serving_pb2.LANE_BULK else Lane.INTERACTIVE


def model_message(info: ModelInfo) -> serving_pb2.ModelInfo:
    """A model's identity as answers carry it."""
    return serving_pb2.ModelInfo(
        name=info.name,
        version=info.version,
        model_set=info.model_set,
        dimensions=info.dimensions,
    )
