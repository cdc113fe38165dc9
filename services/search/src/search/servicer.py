"""Protobuf ↔ domain for search."""

from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from facet.search.v1 import search_pb2, search_pb2_grpc
from search.domain import Filter, Hit, Item, Page
from search.service import Query, SearchService

SERVICE_NAME = search_pb2.DESCRIPTOR.services_by_name["SearchService"].full_name


class SearchServicer(search_pb2_grpc.SearchServiceServicer):
    """facet.search.v1.SearchService over a SearchService."""

    def __init__(self, service: SearchService) -> None:
        self._service = service

    async def StoreImage(
        self, request: search_pb2.StoreImageRequest, context: Any
    ) -> search_pb2.StoreImageResponse:
        """Stores an image once per content and indexes it."""
        item, duplicate = await self._service.store_image(request.image)
        model = self._service.model
        return search_pb2.StoreImageResponse(
            item=_item(item), duplicate=duplicate, model=model.name, model_set=model.model_set
        )

    async def DeleteImage(
        self, request: search_pb2.DeleteImageRequest, context: Any
    ) -> search_pb2.DeleteImageResponse:
        """Removes an image and its vector."""
        await self._service.delete_image(request.key)
        return search_pb2.DeleteImageResponse()

    async def SearchImages(
        self, request: search_pb2.SearchImagesRequest, context: Any
    ) -> search_pb2.SearchImagesResponse:
        """The stored images nearest to an image, a text or a stored image."""
        given = request.WhichOneof("query")
        query = Query(**{given: getattr(request, given)}) if given else Query()
        page = Page(request.top_k, request.offset)
        found = await self._service.search(query, page, _filter(request.filter))
        model = self._service.model
        return search_pb2.SearchImagesResponse(
            hits=[_hit(hit) for hit in found.hits],
            total=found.total,
            model=model.name,
            model_set=model.model_set,
        )

    async def GetStatistics(
        self, request: search_pb2.GetStatisticsRequest, context: Any
    ) -> search_pb2.GetStatisticsResponse:
        """Counts and identity of the index."""
        statistics = await self._service.statistics()
        model = self._service.model
        return search_pb2.GetStatisticsResponse(
            images=statistics.stored,
            matrix_images=statistics.in_matrix,
            collection=statistics.collection,
            model=model.name,
            model_version=model.version,
            model_set=model.model_set,
            dimensions=model.dimensions,
            index=statistics.index,
        )


def _item(item: Item) -> search_pb2.Item:
    created_at = Timestamp()
    created_at.FromDatetime(item.created_at)
    return search_pb2.Item(
        id=item.id,
        key=item.key,
        content_type=item.content_type,
        size_bytes=item.size_bytes,
        width=item.width,
        height=item.height,
        created_at=created_at,
    )


def _hit(hit: Hit) -> search_pb2.Hit:
    return search_pb2.Hit(item=_item(hit.item), score=hit.score)


def _filter(accept: search_pb2.Filter) -> Filter:
    return Filter(
        accept.min_width,
        accept.min_height,
        tuple(accept.content_types),
        _instant(accept, "created_after"),
        _instant(accept, "created_before"),
    )


def _instant(accept: search_pb2.Filter, name: str) -> datetime | None:
    instant: Timestamp = getattr(accept, name)
    return instant.ToDatetime(UTC) if accept.HasField(name) else None  # type: ignore[arg-type]
