"""The gateway's view of search."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from facet.search.v1 import search_pb2, search_pb2_grpc
from facetkit.client import RpcClient
from gateway.search.domain import Filter, Hit, Page, Statistics, Stored, StoredImage

SEARCH_SERVICE = search_pb2.DESCRIPTOR.services_by_name["SearchService"].full_name


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
            model=response.model,
            model_set=response.model_set,
        )

    async def delete_image(self, key: str) -> None:
        """Removes an image. Raises NotFound."""
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


def _filter(filter: Filter) -> search_pb2.Filter:
    return search_pb2.Filter(
        min_width=filter.min_width or 0,
        min_height=filter.min_height or 0,
        content_types=filter.content_types,
        created_after=_timestamp(filter.created_after),
        created_before=_timestamp(filter.created_before),
    )


def _timestamp(instant: datetime | None) -> Timestamp | None:
    if instant is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(instant)
    return timestamp
