"""The interactive documentation, served without any other site."""

from importlib.resources import files

import prometheus_client
from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

STATIC_PATH = "/docs/static"
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)


class DocsEndpoints:
    """GET /docs."""

    def __init__(self) -> None:
        self._page = files("gateway").joinpath("web/docs/docs.html").read_text(encoding="utf-8")
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/docs", self.page, response_class=HTMLResponse)

    async def page(self) -> HTMLResponse:
        """Swagger UI over /openapi.json."""
        return HTMLResponse(self._page, headers={"Content-Security-Policy": _POLICY})


def static_files() -> StaticFiles:
    """Swagger UI's files, from the installed package, and our own: to be mounted at STATIC_PATH."""
    return StaticFiles(packages=[("fastapi_offline", "static"), ("gateway", "web/docs")])


class MetricsEndpoints:
    """GET /metrics on the main port."""

    def __init__(self) -> None:
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/metrics", self.metrics, response_class=Response)

    async def metrics(self) -> Response:
        """Everything that Prometheus scrapes."""
        text = prometheus_client.generate_latest()
        return Response(text, media_type=prometheus_client.CONTENT_TYPE_LATEST)
