"""Embedder over vision-models' gRPC service."""

import numpy as np

from facet.vision.v1 import embedding_pb2, embedding_pb2_grpc, serving_pb2
from facetkit.client import RpcClient
from search.domain import ImageVector, ModelInfo, Vector

BULK_TIMEOUT_S = 120.0
"""Long enough for a full bulk lane; a job has no deadline of its own."""


class VisionEmbedder:
    """Asks facet.vision.v1.EmbeddingService."""

    def __init__(self, client: RpcClient) -> None:
        self._client = client
        self._stub = embedding_pb2_grpc.EmbeddingServiceStub(client.channel)

    async def model(self) -> ModelInfo:
        """The model that answers."""
        request = embedding_pb2.GetEmbeddingModelRequest()
        response = await self._client.call(self._stub.GetEmbeddingModel, request)
        return _model(response.model)

    async def embed_image(self, content: bytes, *, bulk: bool = False) -> ImageVector:
        """The vector of one encoded image."""
        lane = serving_pb2.LANE_BULK if bulk else serving_pb2.LANE_INTERACTIVE
        request = embedding_pb2.EmbedImageRequest(image=content, lane=lane)
        timeout_s = BULK_TIMEOUT_S if bulk else None
        response = await self._client.call(self._stub.EmbedImage, request, timeout_s=timeout_s)
        return ImageVector(
            np.array(response.vector, np.float32),
            response.width,
            response.height,
            response.content_type,
            _model(response.model),
        )

    async def embed_text(self, text: str) -> tuple[Vector, ModelInfo]:
        """The vector of one text."""
        request = embedding_pb2.EmbedTextsRequest(texts=[text], lane=serving_pb2.LANE_INTERACTIVE)
        response = await self._client.call(self._stub.EmbedTexts, request)
        return np.array(response.embeddings[0].vector, np.float32), _model(response.model)


def _model(model: serving_pb2.ModelInfo) -> ModelInfo:
    return ModelInfo(model.name, model.version, model.model_set, model.dimensions)
