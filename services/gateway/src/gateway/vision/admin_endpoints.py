"""POST /api/admin/reset-cache."""

from fastapi import APIRouter, Depends

from gateway.errors import documented
from gateway.security import ApiKeyGuard
from gateway.vision.caption_client import CaptionClient
from gateway.vision.caption_schemas import ResetAnswer


class AdminEndpoints:
    """The route over a CaptionClient; without a `guard` everybody may call it."""

    def __init__(self, captions: CaptionClient, guard: ApiKeyGuard | None) -> None:
        self._captions = captions
        dependencies = [Depends(guard)] if guard else []
        self.router = APIRouter(tags=["admin"], dependencies=dependencies)
        self.router.add_api_route(
            "/api/admin/reset-cache",
            self.reset_cache,
            methods=["POST"],
            summary="Forget the cached captions",
            responses=documented(401, 503, 504),
        )

    async def reset_cache(self) -> ResetAnswer:
        """Empties the captions' part of the cache, for every replica.

        Wants the API key, unless the mesh runs with `DEBUG=true`.
        """
        return ResetAnswer(deleted=await self._captions.reset_cache())
