"""GET /objects/{key}: the object store, read only."""

import re
from collections.abc import Mapping
from email.utils import format_datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Request, Response

from facetkit.objects import ObjectInfo, content_type_of
from gateway.byte_ranges import byte_range
from gateway.documented_example import EXAMPLE_KEY
from gateway.errors import ErrorBody, documented
from gateway.public_objects import PublicObjects
from gateway.security import ApiKeyGuard

_CONTENT_ADDRESSED = re.compile(r"images/[0-9a-f]{64}\.(jpg|jpeg|png|webp)")
_FOREVER = "max-age=31536000, immutable"
_BYTES: dict[str, Any] = {"content": {"application/octet-stream": {}}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The object", **_BYTES},
    206: {"description": "The part of it that `Range` asks for", **_BYTES},
    304: {"description": "The caller's copy is still right"},
    416: {"description": "The object ends before the `Range`", "model": ErrorBody},
    **documented(400, 401, 404, 503),
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
        if_range: Annotated[str | None, Header(include_in_schema=False)] = None,
        wanted: Annotated[str | None, Header(alias="Range", include_in_schema=False)] = None,
    ) -> Response:
        """The object's bytes, or one `Range` of them.

        What is named by its content never changes; everything else is to be asked for anew.
        """
        if request.method == "HEAD" or if_none_match is not None or wanted is not None:
            info = await self._objects.head(key)
            if _matches(if_none_match, info.etag):
                return Response(status_code=304, headers=self._validators(info))
            if request.method == "HEAD":
                return Response(headers=self._headers(info, info.size))
            if wanted is not None and if_range in {None, f'"{info.etag}"'}:
                part = await self._part(info, wanted)
                if part:
                    return part
        stored = await self._objects.get(key)
        return Response(stored.content, headers=self._headers(stored.info, stored.info.size))

    async def _part(self, info: ObjectInfo, wanted: str) -> Response | None:
        """What the Range header asks for; None where the whole object is the right answer."""
        found = byte_range(wanted, info.size)
        if found is None:
            return None
        if not found:
            raise HTTPException(416, headers={"Content-Range": f"bytes */{info.size}"})
        part = await self._objects.get_range(info.key, start=found.start, length=len(found))
        if part.info.etag != info.etag:
            return None
        last = part.start + len(part.content) - 1
        headers = {"Content-Range": f"bytes {part.start}-{last}/{part.info.size}"}
        return Response(
            part.content, 206, {**self._headers(part.info, len(part.content)), **headers}
        )

    def _validators(self, info: ObjectInfo) -> Mapping[str, str]:
        lasting = _CONTENT_ADDRESSED.fullmatch(info.key) is not None
        # What only a key opens must not lie in a cache that others ask.
        directives = ["private"] if self._closed else ["public"] if lasting else []
        directives.append(_FOREVER if lasting else "no-cache")
        return {"ETag": f'"{info.etag}"', "Cache-Control": ", ".join(directives)}

    def _headers(self, info: ObjectInfo, length: int) -> Mapping[str, str]:
        return {
            **self._validators(info),
            "Accept-Ranges": "bytes",
            # Not the type that a bucket tells: whoever writes there could make a page of an image.
            "Content-Type": content_type_of(info.key),
            "Content-Length": str(length),
            "Last-Modified": format_datetime(info.modified, usegmt=True),
        }


def _matches(if_none_match: str | None, etag: str) -> bool:
    given = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    return "*" in given or f'"{etag}"' in given
