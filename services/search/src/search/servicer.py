"""Protobuf ↔ domain for search."""

from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from facet.search.v1 import search_pb2, search_pb2_grpc
from search.domain import Filter, Hit, Item, Page, Similar, Tier
from search.grouping import Grouping
from search.jobs import Jobs
from search.jobs_servicer import job_message
from search.service import Query, SearchService
from search.storing import Originals

SERVICE_NAME = search_pb2.DESCRIPTOR.services_by_name["SearchService"].full_name


class SearchServicer(search_pb2_grpc.SearchServiceServicer):
    """facet.search.v1.SearchService."""

    def __init__(
        self, service: SearchService, originals: Originals, grouping: Grouping, jobs: Jobs
    ) -> None:
        self._service, self._originals = service, originals
        self._grouping, self._jobs = grouping, jobs

    async def StoreImage(
        self, request: search_pb2.StoreImageRequest, context: Any
    ) -> search_pb2.StoreImageResponse:
        """Stores an image once per content and indexes it."""
        stored = await self._originals.store(request.image)
        model = self._service.model
        return search_pb2.StoreImageResponse(
            item=_item(stored.item),
            duplicate=stored.duplicate,
            model=model.name,
            model_set=model.model_set,
            similar=[_similar(each) for each in stored.similar],
        )

    async def DeleteImage(
        self, request: search_pb2.DeleteImageRequest, context: Any
    ) -> search_pb2.DeleteImageResponse:
        """Removes an image and its vector."""
        await self._originals.delete(request.key)
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

    async def SearchByVector(
        self, request: search_pb2.SearchByVectorRequest, context: Any
    ) -> search_pb2.SearchByVectorResponse:
        """The stored images nearest to a vector."""
        page = Page(request.top_k, request.offset)
        query = Query(vector=request.vector)
        found = await self._service.search(query, page, _filter(request.filter))
        return search_pb2.SearchByVectorResponse(
            hits=[_hit(hit) for hit in found.hits], total=found.total
        )

    async def SyncImages(
        self, request: search_pb2.SyncImagesRequest, context: Any
    ) -> search_pb2.SyncImagesResponse:
        """Brings the index in step with the object store."""
        job = await self._jobs.synchronise(force=request.force)
        return search_pb2.SyncImagesResponse(job=job_message(job))

    async def ListDuplicates(
        self, request: search_pb2.ListDuplicatesRequest, context: Any
    ) -> search_pb2.ListDuplicatesResponse:
        """Groups of images that show the same."""
        tiers = {Tier(tier) for tier in request.tiers if tier} or set(Tier)
        found = await self._grouping.groups(tiers, request.limit, request.offset)
        return search_pb2.ListDuplicatesResponse(
            groups=[
                search_pb2.DuplicateGroup(
                    representative=_item(group.representative),
                    members=[_similar(member) for member in group.members],
                )
                for group in found.groups
            ],
            total=found.total,
        )

    async def GetStatistics(
        self, request: search_pb2.GetStatisticsRequest, context: Any
    ) -> search_pb2.GetStatisticsResponse:
        """Counts and identity of the index."""
        told = await self._service.statistics()
        return search_pb2.GetStatisticsResponse(
            images=told.rows.stored,
            matrix_images=told.rows.in_matrix,
            collection=told.rows.collection,
            model=told.model.name,
            model_version=told.model.version,
            model_set=told.model.model_set,
            dimensions=told.model.dimensions,
            index=told.rows.index,
            keys=told.counts.keys,
            broken_keys=told.counts.broken_keys,
            building=told.building,
            built=told.built,
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


def _similar(similar: Similar) -> search_pb2.Similar:
    return search_pb2.Similar(
        item=_item(similar.item),
        tier=search_pb2.Tier.ValueType(int(similar.tier)),
        score=similar.score,
        same_pixels=similar.same_pixels,
    )


def _filter(accept: search_pb2.Filter) -> Filter:
    return Filter(
        accept.min_width,
        accept.min_height,
        tuple(accept.content_types),
        _instant(accept, "created_after"),
        _instant(accept, "created_before"),
        accept.min_size_bytes,
        accept.max_size_bytes,
        accept.prefix,
    )


def _instant(accept: search_pb2.Filter, name: str) -> datetime | None:
    instant: Timestamp = getattr(accept, name)
    return instant.ToDatetime(UTC) if accept.HasField(name) else None  # type: ignore[arg-type]
