"""GET /api/duplicates: stored images that show the same."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BeforeValidator

from gateway.errors import documented
from gateway.object_urls import ObjectUrls
from gateway.search.client import SearchClient
from gateway.search.domain import Tier
from gateway.search.duplicate_schemas import DuplicatesAnswer
from gateway.security import ApiKeyGuard

_MAX_OFFSET = 2**31 - 1


def _split(values: list[str]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


class DuplicateEndpoints:
    """The route over a SearchClient."""

    def __init__(self, search: SearchClient, urls: ObjectUrls, guard: ApiKeyGuard) -> None:
        self._search = search
        self._urls = urls
        self.router = APIRouter(tags=["search"], dependencies=[Depends(guard)])
        self.router.add_api_route(
            "/api/duplicates",
            self.duplicates,
            summary="Images that show the same",
            responses=documented(400, 401, 503, 504),
        )

    async def duplicates(
        self,
        tier: Annotated[
            list[Tier],
            BeforeValidator(_split),
            Query(
                default_factory=list,
                description="Any of these; repeated, or separated by commas. None: all",
            ),
        ],
        limit: Annotated[int, Query(ge=1, le=100, description="How many: 1 to 100")] = 20,
        offset: Annotated[int, Query(ge=0, le=_MAX_OFFSET, description="Groups to pass over")] = 0,
    ) -> DuplicatesAnswer:
        """Groups of stored images that show the same.

        Every member is alike to the representative itself. `bytes` are the same bytes under
        another key; `picture` the same pixels once upright, or nearly: saved anew, at another
        size or quality; `near` is close by vector and by perceptual hash: cropped or retouched.
        """
        found = await self._search.list_duplicates(tier, limit=limit, offset=offset)
        return DuplicatesAnswer.of(found, self._urls)
