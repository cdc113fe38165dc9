"""/api/images and /api/search: stored images, found by picture and by words."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from facetkit.errors import InvalidInput, NotFound, PermissionDenied
from facetkit.objects import check_key
from gateway.documented_example import EXAMPLE_KEY
from gateway.errors import ErrorBody, documented
from gateway.field_errors import blaming
from gateway.image_sources import ImageSources
from gateway.object_urls import ObjectUrls
from gateway.search.bodies import search_body, store_body
from gateway.search.client import SearchClient
from gateway.search.query import QueryReader, SearchQuery
from gateway.search.schemas import ImageAnswer, SearchAnswer, StatisticsAnswer
from gateway.security import ApiKeyGuard
from gateway.uploads import Uploads

_DUPLICATE = {"model": ImageAnswer, "description": "The same bytes were stored before"}
_NOT_OURS: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorBody, "description": "The object is not one that Facet has written"}
}


class SearchEndpoints:
    """Routes over a SearchClient."""

    def __init__(
        self,
        search: SearchClient,
        uploads: Uploads,
        queries: QueryReader,
        sources: ImageSources,
        urls: ObjectUrls,
        guard: ApiKeyGuard,
    ) -> None:
        self._search = search
        self._uploads = uploads
        self._queries = queries
        self._sources = sources
        self._urls = urls
        self.router = APIRouter(tags=["search"], dependencies=[Depends(guard)])
        self._route()

    def _route(self) -> None:
        self.router.add_api_route(
            "/api/images",
            self.store,
            methods=["POST"],
            status_code=201,
            summary="Store an image",
            openapi_extra=store_body(),
            responses={
                200: _DUPLICATE,
                **documented(400, 401, 413, 415, 422, 429, 503, 504),
            },
        )
        self.router.add_api_route(
            "/api/images",
            self.delete,
            methods=["DELETE"],
            status_code=204,
            summary="Remove an image",
            responses={**_NOT_OURS, **documented(400, 401, 404, 503, 504)},
        )
        self.router.add_api_route(
            "/api/search",
            self.search,
            methods=["POST"],
            summary="Search by image, by text or by a stored image",
            openapi_extra=search_body(),
            responses=documented(400, 401, 404, 413, 415, 422, 429, 502, 503, 504),
        )
        self.router.add_api_route(
            "/api/search/statistics",
            self.statistics,
            summary="Counts and identity of the index",
            responses=documented(401, 503, 504),
        )

    async def store(self, request: Request, response: Response) -> ImageAnswer:
        """Stores the image once per content and indexes it.

        201 for a new image, 200 for bytes that were stored before. Once answered, the image is
        durable and found by the next search.
        """
        image = await self._uploads.image(request, "file")
        with blaming("file", InvalidInput):
            stored = await self._search.store_image(image)
        if stored.duplicate:
            response.status_code = 200
        return ImageAnswer.of(stored, self._urls)

    async def delete(
        self,
        key: Annotated[str, Query(description="Key of a stored image", examples=[EXAMPLE_KEY])],
    ) -> None:
        """Removes an image that was stored here from the store and from the index.

        Other images of the bucket belong to whoever put them there: 403.
        """
        with blaming("key", InvalidInput, NotFound, PermissionDenied):
            await self._search.delete_image(check_key(key))

    async def search(self, request: Request) -> SearchAnswer:
        """The stored images nearest to exactly one of `file`, `imageUrl`, `text` and `key`.

        `score` is the cosine similarity, `distance` is 1 - score; the best comes first.
        """
        query = await self._queries.read(request)
        image = await self._image(query)
        fields = query.fields
        with blaming(query.source, InvalidInput, NotFound):
            page = await self._search.search_images(
                image=image,
                text=fields.text,
                key=fields.key,
                top_k=fields.top_k,
                offset=fields.offset,
                filter=fields.filter,
            )
        return SearchAnswer.of(page, self._urls)

    async def statistics(self) -> StatisticsAnswer:
        """How many images are stored and indexed, and by which model."""
        return StatisticsAnswer.model_validate(asdict(await self._search.statistics()))

    async def _image(self, query: SearchQuery) -> bytes | None:
        if query.fields.image_url is None:
            return query.file
        return await self._sources.image(query.fields.image_url, "imageUrl")
