"""The gateway's view of vision-models."""

from collections.abc import Sequence
from dataclasses import dataclass

from facet.vision.v1 import embedding_pb2, embedding_pb2_grpc, serving_pb2
from facetkit.client import RpcClient

EMBEDDING_SERVICE = embedding_pb2.DESCRIPTOR.services_by_name["EmbeddingService"].full_name


@dataclass(frozen=True, slots=True)
class Embedding:
    """A vector of norm 1, with the name and the set of the model that made it."""

    vector: list[float]
    model: str
    model_set: str


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How well a label fits: 0 to 1, independent of the other labels."""

    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Classification:
    """Labels with their scores, with the name and the set of the model that judged them."""

    scores: list[LabelScore]
    model: str
    model_set: str


class VisionClient:
    """vision-models through `rpc`; errors come back as the FacetError that was raised there."""

    def __init__(self, rpc: RpcClient) -> None:
        self.rpc = rpc
        self._embedding = embedding_pb2_grpc.EmbeddingServiceStub(rpc.channel)

    async def embed_image(self, image: bytes) -> Embedding:
        """The vector of an encoded image."""
        request = embedding_pb2.EmbedImageRequest(image=image, lane=serving_pb2.LANE_INTERACTIVE)
        response = await self.rpc.call(self._embedding.EmbedImage, request)
        return Embedding(
            vector=list(response.vector),
            model=response.model.name,
            model_set=response.model.model_set,
        )

    async def classify(
        self, image: bytes, labels: Sequence[str] = (), top: int = 0
    ) -> Classification:
        """How well each label fits an encoded image: in the order of `labels`.

        Without labels the common objects are judged. With `top` only so many of the best labels
        are answered, the best first.
        """
        request = embedding_pb2.ClassifyImageRequest(
            image=image, labels=labels, lane=serving_pb2.LANE_INTERACTIVE, top=top
        )
        response = await self.rpc.call(self._embedding.ClassifyImage, request)
        return Classification(
            scores=[LabelScore(score.label, score.confidence) for score in response.scores],
            model=response.model.name,
            model_set=response.model.model_set,
        )

    async def model_set(self, timeout_s: float) -> str:
        """`demo`, `demo-random` or `full`."""
        response = await self.rpc.call(
            self._embedding.GetEmbeddingModel,
            embedding_pb2.GetEmbeddingModelRequest(),
            timeout_s=timeout_s,
        )
        return response.model.model_set
