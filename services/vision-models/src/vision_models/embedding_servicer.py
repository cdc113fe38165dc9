"""Protobuf ↔ domain for the Embedding family."""

from typing import Any

from facet.vision.v1 import embedding_pb2, embedding_pb2_grpc
from vision_models.embedding_service import EmbeddingService
from vision_models.serving import lane_of, model_message

SERVICE_NAME = embedding_pb2.DESCRIPTOR.services_by_name["EmbeddingService"].full_name


class EmbeddingServicer(embedding_pb2_grpc.EmbeddingServiceServicer):
    """facet.vision.v1.EmbeddingService over an EmbeddingService."""

    def __init__(self, service: EmbeddingService) -> None:
        self._service = service

    async def GetEmbeddingModel(
        self, request: embedding_pb2.GetEmbeddingModelRequest, context: Any
    ) -> embedding_pb2.GetEmbeddingModelResponse:
        """The model that answers."""
        return embedding_pb2.GetEmbeddingModelResponse(model=model_message(self._service.model))

    async def EmbedImage(
        self, request: embedding_pb2.EmbedImageRequest, context: Any
    ) -> embedding_pb2.EmbedImageResponse:
        """One image as one vector."""
        embedding = await self._service.embed_image(request.image, lane_of(request.lane))
        return embedding_pb2.EmbedImageResponse(
            vector=embedding.vector.tolist(),
            model=model_message(self._service.model),
            width=embedding.width,
            height=embedding.height,
            content_type=embedding.content_type,
        )

    async def EmbedTexts(
        self, request: embedding_pb2.EmbedTextsRequest, context: Any
    ) -> embedding_pb2.EmbedTextsResponse:
        """Texts as vectors, in request order."""
        vectors = await self._service.embed_texts(list(request.texts), lane_of(request.lane))
        return embedding_pb2.EmbedTextsResponse(
            embeddings=[embedding_pb2.TextEmbedding(vector=vector.tolist()) for vector in vectors],
            model=model_message(self._service.model),
        )

    async def ClassifyImage(
        self, request: embedding_pb2.ClassifyImageRequest, context: Any
    ) -> embedding_pb2.ClassifyImageResponse:
        """How well each label fits one image."""
        scores, model = await self._service.classify_image(
            request.image, list(request.labels), lane_of(request.lane), request.top
        )
        return embedding_pb2.ClassifyImageResponse(
            scores=[
                embedding_pb2.LabelScore(label=score.label, confidence=score.confidence)
                for score in scores
            ],
            model=model_message(model),
        )
