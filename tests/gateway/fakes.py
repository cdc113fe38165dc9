"""Servicers that answer at will and remember what they were asked."""

import asyncio
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from facet.jobs.v1 import jobs_pb2
from facet.search.v1 import search_pb2, search_pb2_grpc
from facet.vision.v1 import (
    caption_pb2,
    caption_pb2_grpc,
    embedding_pb2,
    embedding_pb2_grpc,
    serving_pb2,
)
from facetkit.errors import NotFound, Unprocessable

CREATED_AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
CAPTIONER = serving_pb2.ModelInfo(name="blip-base", version="1", model_set="demo")
MODEL = serving_pb2.ModelInfo(name="clip-ViT-B-32", version="1", model_set="demo", dimensions=512)


class Fake:
    """What both servicers share: `fails_with` is raised, `stuck` makes calls wait for ever."""

    def __init__(self) -> None:
        self.fails_with: Exception | None = None
        self.stuck = False
        self.requests: list[Any] = []
        self.metadata: list[dict[str, Any]] = []
        self.time_remaining: list[float] = []
        self.entered = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def note(self, request: Any, context: Any) -> None:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.time_remaining.append(context.time_remaining())
        self.entered.set()
        if self.fails_with:
            raise self.fails_with
        if self.stuck:
            await self._wait_for_ever()

    async def _wait_for_ever(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


class FakeEmbedding(Fake, embedding_pb2_grpc.EmbeddingServiceServicer):
    """Answers the same vector to every image; `scores` are those of labels, 0.5 of others."""

    def __init__(self) -> None:
        super().__init__()
        self.scores: dict[str, float] = {}
        self.common_objects = [f"object {number}" for number in range(20)]

    async def GetEmbeddingModel(
        self, request: embedding_pb2.GetEmbeddingModelRequest, context: Any
    ) -> embedding_pb2.GetEmbeddingModelResponse:
        return embedding_pb2.GetEmbeddingModelResponse(model=MODEL)

    async def EmbedImage(
        self, request: embedding_pb2.EmbedImageRequest, context: Any
    ) -> embedding_pb2.EmbedImageResponse:
        await self.note(request, context)
        return embedding_pb2.EmbedImageResponse(vector=[0.5] * 512, model=MODEL)

    async def EmbedTexts(self, request: Any, context: Any) -> embedding_pb2.EmbedTextsResponse:
        raise NotImplementedError

    async def ClassifyImage(
        self, request: embedding_pb2.ClassifyImageRequest, context: Any
    ) -> embedding_pb2.ClassifyImageResponse:
        await self.note(request, context)
        scores = [
            embedding_pb2.LabelScore(label=label, confidence=self.scores.get(label, 0.5))
            for label in request.labels or self.common_objects
        ]
        if request.top:
            scores.sort(key=lambda score: score.confidence, reverse=True)
        return embedding_pb2.ClassifyImageResponse(
            scores=scores[: request.top or None], model=MODEL
        )


class FakeCaption(Fake, caption_pb2_grpc.CaptionServiceServicer):
    """Captions an image by its number of bytes; `bad` images are refused as damaged."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: set[bytes] = set()
        self.cached = False

    async def ListCaptionModels(
        self, request: caption_pb2.ListCaptionModelsRequest, context: Any
    ) -> caption_pb2.ListCaptionModelsResponse:
        await self.note(request, context)
        states = caption_pb2.CaptionModel
        blip = states(key="blip", state=states.STATE_LOADED, model=CAPTIONER)
        gemma = states(
            key="gemma", state=states.STATE_NOT_READY, reason="no licence", collective=True
        )
        return caption_pb2.ListCaptionModelsResponse(models=[blip, gemma])

    async def CaptionImage(
        self, request: caption_pb2.CaptionImageRequest, context: Any
    ) -> caption_pb2.CaptionImageResponse:
        await self.note(request, context)
        if request.image in self.bad:
            raise Unprocessable("the image is damaged")
        return caption_pb2.CaptionImageResponse(
            caption=f"{len(request.image)} bytes",
            tags=["bytes"],
            flagged=bool(request.flag_caption_prompt),
            cached=self.cached,
            model=CAPTIONER,
        )

    async def CaptionCollection(
        self, request: caption_pb2.CaptionCollectionRequest, context: Any
    ) -> caption_pb2.CaptionCollectionResponse:
        await self.note(request, context)
        return caption_pb2.CaptionCollectionResponse(
            caption=f"{len(request.images)} images",
            tags=["images"],
            flagged=bool(request.flag_caption_prompt),
            cached=self.cached,
            model=CAPTIONER,
        )

    async def ResetCaptionCache(
        self, request: caption_pb2.ResetCaptionCacheRequest, context: Any
    ) -> caption_pb2.ResetCaptionCacheResponse:
        await self.note(request, context)
        return caption_pb2.ResetCaptionCacheResponse(deleted=7)


class FakeSearch(Fake, search_pb2_grpc.SearchServiceServicer):
    """Keeps items in a dict and finds all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, search_pb2.Item] = {}
        self.similar: list[search_pb2.Similar] = []
        self.groups: list[search_pb2.DuplicateGroup] = []
        self.job = jobs_pb2.Job()
        self.statistics = search_pb2.GetStatisticsResponse(
            images=3,
            matrix_images=3,
            collection="images",
            model=MODEL.name,
            model_version="1",
            model_set="demo",
            dimensions=512,
            index="matrix",
            keys=5,
            broken_keys=1,
        )

    async def StoreImage(
        self, request: search_pb2.StoreImageRequest, context: Any
    ) -> search_pb2.StoreImageResponse:
        await self.note(request, context)
        item = item_of(request.image)
        duplicate = item.key in self.items
        self.items[item.key] = item
        return search_pb2.StoreImageResponse(
            item=item,
            duplicate=duplicate,
            similar=self.similar,
            model=MODEL.name,
            model_set=MODEL.model_set,
        )

    async def DeleteImage(
        self, request: search_pb2.DeleteImageRequest, context: Any
    ) -> search_pb2.DeleteImageResponse:
        await self.note(request, context)
        if self.items.pop(request.key, None) is None:
            raise NotFound(f"no image is stored under '{request.key}'")
        return search_pb2.DeleteImageResponse()

    async def SearchImages(
        self, request: search_pb2.SearchImagesRequest, context: Any
    ) -> search_pb2.SearchImagesResponse:
        await self.note(request, context)
        hits = [search_pb2.Hit(item=item, score=0.75) for item in self.items.values()]
        return search_pb2.SearchImagesResponse(
            hits=hits, total=len(hits), model=MODEL.name, model_set=MODEL.model_set
        )

    async def GetStatistics(
        self, request: search_pb2.GetStatisticsRequest, context: Any
    ) -> search_pb2.GetStatisticsResponse:
        await self.note(request, context)
        return self.statistics

    async def SyncImages(
        self, request: search_pb2.SyncImagesRequest, context: Any
    ) -> search_pb2.SyncImagesResponse:
        await self.note(request, context)
        return search_pb2.SyncImagesResponse(job=self.job)

    async def ListDuplicates(
        self, request: search_pb2.ListDuplicatesRequest, context: Any
    ) -> search_pb2.ListDuplicatesResponse:
        await self.note(request, context)
        return search_pb2.ListDuplicatesResponse(groups=self.groups, total=7)

    async def SearchByVector(self, request: Any, context: Any) -> Any:
        raise NotImplementedError


def item_of(image: bytes) -> search_pb2.Item:
    """The item that stands for `image`."""
    digest = sha256(image).hexdigest()
    created_at = Timestamp()
    created_at.FromDatetime(CREATED_AT)
    return search_pb2.Item(
        id=digest,
        key=f"images/{digest}.jpg",
        content_type="image/jpeg",
        size_bytes=len(image),
        width=320,
        height=240,
        created_at=created_at,
    )
