"""The pages, served without any other site."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.staticfiles import StaticFiles

from facetkit.addresses import parse_target
from facetkit.s3_bucket import S3Bucket

STATIC_PATH = "/static"
_MENU = (
    ("/", "Captions"),
    ("/generate", "Generate"),
    ("/analyze", "Analyse"),
    ("/search", "Search"),
    ("/docs", "API documentation"),
)
_TEMPLATES = {
    "/": "captions.html",
    "/generate": "generate.html",
    "/analyze": "analyze.html",
    "/search": "search.html",
}


class PageEndpoints:
    """The pages; they show images of `image_origins` beside the gateway's own."""

    def __init__(self, image_origins: Sequence[str] = ()) -> None:
        self._headers = {
            "Content-Security-Policy": _policy(image_origins),
            "Cache-Control": "no-cache",
        }
        self._pages = _rendered()
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/", self.captions, response_class=HTMLResponse)
        self.router.add_api_route("/generate", self.generate, response_class=HTMLResponse)
        self.router.add_api_route("/analyze", self.analyze, response_class=HTMLResponse)
        self.router.add_api_route("/search", self.search, response_class=HTMLResponse)

    async def captions(self) -> HTMLResponse:
        """Images in words."""
        return self._page("/")

    async def generate(self) -> HTMLResponse:
        """Pictures from words."""
        return self._page("/generate")

    async def analyze(self) -> HTMLResponse:
        """The parts of a picture."""
        return self._page("/analyze")

    async def search(self) -> HTMLResponse:
        """Stored images, found by picture and by words."""
        return self._page("/search")

    def _page(self, path: str) -> HTMLResponse:
        return HTMLResponse(self._pages[path], headers=self._headers)


class _RevalidatedFiles(StaticFiles):
    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        # Scripts of two versions must not meet on one page.
        response.headers["Cache-Control"] = "no-cache"
        return response


def static_files() -> StaticFiles:
    """The pages' scripts and styles: to be mounted at STATIC_PATH."""
    return _RevalidatedFiles(packages=[("gateway", "web/static")])


def image_origins(public_base_url: str, bucket: S3Bucket | None, region: str) -> list[str]:
    """The origins of object URLs, below `public_base_url` or in `bucket`."""
    origins = [_origin(public_base_url)]
    if bucket and (bucket.public_url or bucket.endpoint_url or region):
        origins.append(_origin(bucket.url("images", region)))
    elif bucket:
        # boto3 finds the region by itself, later.
        origins.extend(("https://*.amazonaws.com", "https://*.amazonaws.com.cn"))
    return origins


def _origin(url: str) -> str:
    target = parse_target(url)
    return f"{target.scheme}://{target.authority}"


def _rendered() -> dict[str, str]:
    templates = Environment(
        loader=PackageLoader("gateway", "web/templates"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    return {
        path: templates.get_template(name).render(path=path, menu=_MENU, static=STATIC_PATH)
        for path, name in _TEMPLATES.items()
    }


def _policy(origins: Sequence[str]) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            " ".join(("img-src 'self' data: blob:", *dict.fromkeys(origins))),
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
