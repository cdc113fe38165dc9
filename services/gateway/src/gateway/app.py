"""All wiring of the gateway."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from gateway import docs, errors, pages
from gateway.api import routers
from gateway.clients import Clients
from gateway.event_streams import EventStreams
from gateway.jobs.events import EVENTS_PATH
from gateway.middleware.body_limit import BodyLimit
from gateway.middleware.deadline import RequestDeadline
from gateway.middleware.disconnect import CancelOnDisconnect
from gateway.middleware.error_boundary import ErrorBoundary
from gateway.middleware.lingering_close import LingeringClose
from gateway.middleware.request_log import RequestLog
from gateway.middleware.security_headers import SecurityHeaders
from gateway.settings import Settings
from gateway.vision.analysis_endpoints import ANALYSIS_PATHS
from gateway.vision.analysis_threads import AnalysisThreads
from gateway.vision.caption_endpoints import CAPTION_PATHS
from gateway.vision.generation_endpoints import AFTERWARDS_S, GENERATE_PATH

_DESCRIPTION = """Images as vectors, in words and in parts, pictures made from words, and stored
images found by picture and by words.

Images are JPEG, PNG or WebP of at most 24 MiB and 64 megapixels. Every error is JSON with
`error`, `code` and `request_id`, and `fields` where the input is to blame. 429 and 503 say in
`Retry-After` when to come back."""
_TAGS = [
    {"name": "embeddings", "description": "Images as vectors"},
    {"name": "captions", "description": "Images in words"},
    {"name": "generation", "description": "Pictures from words"},
    {"name": "analysis", "description": "Images taken apart: masks, labels, parts by name"},
    {"name": "search", "description": "Stored images, found by picture and by words"},
    {"name": "jobs", "description": "Long work: its progress, and what can be done about it"},
    {"name": "objects", "description": "Stored files"},
    {"name": "admin", "description": "For operators, with the API key"},
    {"name": "health", "description": "For probes and operators"},
]
_SENT_HEADERS = ["Last-Event-ID", "Prefer", "traceparent", "X-API-Key", "X-Request-ID"]
_READ_HEADERS = [
    *("Accept-Ranges", "Content-Range", "ETag", "Location", "Retry-After"),
    *("X-Model", "X-Model-Set", "X-Request-ID"),
]


def create_app(
    settings: Settings, clients: Clients, streams: EventStreams | None = None
) -> FastAPI:
    """The gateway as an ASGI app, which closes `clients` when it ends.

    Whoever stops the server ends `streams` first.
    """
    threads = AnalysisThreads()
    app = FastAPI(
        title="Facet",
        version="0.1.0",
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_closing(clients, threads),
        middleware=_middleware(settings),
    )
    for router in routers(settings, clients, streams or EventStreams(), threads):
        app.include_router(router)
    app.mount(docs.STATIC_PATH, docs.static_files())
    app.mount(pages.STATIC_PATH, pages.static_files())
    errors.install(app)
    return app


def _closing(
    clients: Clients, threads: AnalysisThreads
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await clients.close()
        threads.close()

    return lifespan


def _middleware(settings: Settings) -> list[Middleware]:
    """Outermost first: each sees the answers of those below it, errors included."""
    return [
        Middleware(LingeringClose),
        Middleware(RequestLog),
        Middleware(SecurityHeaders),
        *([_cors(settings)] if settings.allowed_origins else []),
        Middleware(ErrorBoundary),
        Middleware(CancelOnDisconnect),
        Middleware(
            RequestDeadline,
            seconds=settings.deadline_s,
            longer=_deadlines(settings),
            endless=EVENTS_PATH,
        ),
        Middleware(
            BodyLimit,
            max_bytes=settings.max_body_bytes,
            larger=_body_limits(settings),
            max_inflight_bytes=settings.max_inflight_bytes,
        ),
    ]


def _deadlines(settings: Settings) -> dict[str, float]:
    return {
        **dict.fromkeys(CAPTION_PATHS, settings.caption_deadline_s),
        GENERATE_PATH: settings.generate_deadline_s + AFTERWARDS_S,
        **dict.fromkeys(ANALYSIS_PATHS, settings.analyze_deadline_s),
    }


def _body_limits(settings: Settings) -> dict[str, int]:
    return {
        **dict.fromkeys(CAPTION_PATHS, settings.max_caption_body_bytes),
        GENERATE_PATH: settings.max_json_body_bytes,
        **dict.fromkeys(ANALYSIS_PATHS, settings.max_json_body_bytes),
    }


def _cors(settings: Settings) -> Middleware:
    return Middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_methods=["GET", "HEAD", "POST", "DELETE"],
        allow_headers=_SENT_HEADERS,
        expose_headers=_READ_HEADERS,
    )
