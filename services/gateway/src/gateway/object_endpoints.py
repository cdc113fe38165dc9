"""GET /objects/{key}: the embedded object store, read only."""

from collections.abc import Mapping
from email.utils import format_datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request, Response

from facetkit.objects import ObjectInfo
from gateway.documented_example import EXAMPLE_KEY
from gateway.errors import documented
from gateway.public_objects import PublicObjects
from gateway.security import ApiKeyGuard

_FOREVER = "max-age=31536000, immutable"
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The object", "content": {"application/octet-stream": {}}},
    304: {"description": "The caller's copy is still right"},
    **documented(400, 401, 404),
}


class ObjectEndpoints:
    """GET and HEAD /objects/{key}; a `guard` closes them."""

    def __init__(self, objects: PublicObjects, guard: ApiKeyGuard | None) -> None:
        self._objects = objects
        self._closed = guard is not None
        self.router = APIRouter(tags=["objects"])
        for method in ("GET", "HEAD"):
            self.router.add_api_route(
                "/objects/{key:path}",
                self.read,
                methods=[method],
                dependencies=[Depends(guard)] if guard else [],
                response_class=Response,
                responses=_RESPONSES,
                summary="Read a stored object",
                include_in_schema=method == "GET",
            )

    async def read(
        self,
        request: Request,
        key: Annotated[str, Path(description="Key of a stored object", examples=[EXAMPLE_KEY])],
        if_none_match: Annotated[str | None, Header(include_in_schema=False)] = None,
    ) -> Response:
        """The object's bytes. Originals never change; the others are to be asked for anew."""
        if request.method == "HEAD" or if_none_match is not None:
            info = await self._objects.head(key)
            if _matches(if_none_match, info.etag):
                return Response(status_code=304, headers=self._validators(info))
            if request.method == "HEAD":
                return Response(headers=self._headers(info))
        stored = await self._objects.get(key)
        return Response(stored.content, headers=self._headers(stored.info))

    def _validators(self, info: ObjectInfo) -> Mapping[str, str]:
        original = info.key.startswith("images/")
        # What only a key opens must not lie in a cache that others ask.
        directives = ["private"] if self._closed else ["public"] if original else []
        directives.append(_FOREVER if original else "no-cache")
        return {"ETag": f'"{info.etag}"', "Cache-Control": ", ".join(directives)}

    def _headers(self, info: ObjectInfo) -> Mapping[str, str]:
        return {
            **self._validators(info),
            "Content-Type": info.content_type,
            "Content-Length": str(info.size),
            "Last-Modified": format_datetime(info.modified, usegmt=True),
        }


def _matches(if_none_match: str | None, etag: str) -> bool:
    given = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    return "*" in given or f'"{etag}"' in given
