"""The gateway's view of search."""

from collections.abc import Sequence
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from facet.search.v1 import search_pb2, search_pb2_grpc
from facetkit.client import RpcClient
from gateway.search.domain import (
    DuplicateGroup,
    Duplicates,
    Filter,
    Hit,
    Page,
    Similar,
    Statistics,
    Stored,
    StoredImage,
    Tier,
)

SEARCH_SERVICE = search_pb2.DESCRIPTOR.services_by_name["SearchService"].full_name
_TIERS: "dict[Tier, search_pb2.Tier.ValueType]" = {
    "bytes": search_pb2.TIER_BYTES,
    "picture": search_pb2.TIER_PICTURE,
    "near": search_pb2.TIER_NEAR,
}
_TIER_NAMES = {number: name for name, number in _TIERS.items()}


class SearchClient:
    """search through `rpc`; errors come back as the FacetError that was raised there."""

    def __init__(self, rpc: RpcClient) -> None:
        self.rpc = rpc
        self._stub = search_pb2_grpc.SearchServiceStub(rpc.channel)

    async def store_image(self, image: bytes) -> Stored:
        """Stores and indexes an encoded image once."""
        request = search_pb2.StoreImageRequest(image=image)
        response = await self.rpc.call(self._stub.StoreImage, request)
        return Stored(
            image=_image(response.item),
            duplicate=response.duplicate,
            similar=[_similar(similar) for similar in response.similar],
            model=response.model,
            model_set=response.model_set,
        )

    async def delete_image(self, key: str) -> None:
        """Removes an image. Raises NotFound, and PermissionDenied for one not written here."""
        await self.rpc.call(self._stub.DeleteImage, search_pb2.DeleteImageRequest(key=key))

    async def search_images(
        self,
        *,
        image: bytes | None = None,
        text: str | None = None,
        key: str | None = None,
        top_k: int,
        offset: int,
        filter: Filter,
    ) -> Page:
        """The stored images nearest to exactly one of `image`, `text` and `key`."""
        request = search_pb2.SearchImagesRequest(top_k=top_k, offset=offset, filter=_filter(filter))
        if image is not None:
            request.image = image
        if text is not None:
            request.text = text
        if key is not None:
            request.key = key
        response = await self.rpc.call(self._stub.SearchImages, request)
        hits = [Hit(_image(hit.item), hit.score) for hit in response.hits]
        return Page(hits, response.total, response.model, response.model_set)

    async def list_duplicates(
        self, tiers: Sequence[Tier], *, limit: int, offset: int
    ) -> Duplicates:
        """Groups of images that show the same by one of `tiers`, or by any where none is named."""
        request = search_pb2.ListDuplicatesRequest(
            tiers=[_TIERS[tier] for tier in tiers], limit=limit, offset=offset
        )
        response = await self.rpc.call(self._stub.ListDuplicates, request)
        return Duplicates([_group(group) for group in response.groups], response.total)

    async def statistics(self) -> Statistics:
        """Counts and identity of the index."""
        found = await self.rpc.call(self._stub.GetStatistics, search_pb2.GetStatisticsRequest())
        return Statistics(
            images=found.images,
            matrix_images=found.matrix_images,
            collection=found.collection,
            model=found.model,
            model_version=found.model_version,
            model_set=found.model_set,
            dimensions=found.dimensions,
            index=found.index,
            keys=found.keys,
            broken_keys=found.broken_keys,
            building=found.building or None,
            built=found.built,
        )


def _image(item: search_pb2.Item) -> StoredImage:
    return StoredImage(
        id=item.id,
        key=item.key,
        content_type=item.content_type,
        size_bytes=item.size_bytes,
        width=item.width,
        height=item.height,
        created_at=item.created_at.ToDatetime(UTC),
    )


def _similar(similar: search_pb2.Similar) -> Similar:
    return Similar(
        image=_image(similar.item),
        tier=_TIER_NAMES[similar.tier],
        score=similar.score,
        same_pixels=similar.same_pixels,
    )


def _group(group: search_pb2.DuplicateGroup) -> DuplicateGroup:
    members = [_similar(member) for member in group.members]
    return DuplicateGroup(_image(group.representative), members)


def _filter(filter: Filter) -> search_pb2.Filter:
    return search_pb2.Filter(
        min_width=filter.min_width or 0,
        min_height=filter.min_height or 0,
        content_types=filter.content_types,
        created_after=_timestamp(filter.created_after),
        created_before=_timestamp(filter.created_before),
        prefix=filter.prefix,
        min_size_bytes=filter.min_size_bytes or 0,
        max_size_bytes=filter.max_size_bytes or 0,
    )


def _timestamp(instant: datetime | None) -> Timestamp | None:
    if instant is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(instant)
    return timestamp
