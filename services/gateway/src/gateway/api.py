"""Every route, with what it needs."""

from fastapi import APIRouter

from gateway.clients import Clients
from gateway.docs import DocsEndpoints, MetricsEndpoints
from gateway.event_streams import EventStreams
from gateway.forms import FormReader
from gateway.health import Downstream, HealthEndpoints, Readiness
from gateway.image_sources import ImageSources
from gateway.jobs.endpoints import JobEndpoints
from gateway.jobs.owners import JobOwners
from gateway.jobs.sync import SyncEndpoints
from gateway.object_endpoints import ObjectEndpoints
from gateway.object_urls import ObjectUrls
from gateway.pages import PageEndpoints, image_origins
from gateway.public_objects import PublicObjects
from gateway.search.client import SEARCH_SERVICE
from gateway.search.duplicate_endpoints import DuplicateEndpoints
from gateway.search.endpoints import SearchEndpoints
from gateway.search.query import QueryReader
from gateway.security import ApiKeyGuard, ApiKeys
from gateway.session_endpoints import SessionEndpoints
from gateway.sessions import Sessions
from gateway.settings import Settings
from gateway.uploads import Uploads
from gateway.vision.admin_endpoints import AdminEndpoints
from gateway.vision.analysis_endpoints import AnalysisEndpoints
from gateway.vision.analysis_threads import AnalysisThreads
from gateway.vision.caption_client import CAPTION_SERVICE
from gateway.vision.caption_endpoints import CaptionEndpoints
from gateway.vision.client import EMBEDDING_SERVICE
from gateway.vision.endpoints import VisionEndpoints
from gateway.vision.generation_client import GENERATION_SERVICE
from gateway.vision.generation_endpoints import GenerationEndpoints
from gateway.vision.segmentation_client import SEGMENTATION_SERVICE


def routers(
    settings: Settings, clients: Clients, streams: EventStreams, threads: AnalysisThreads
) -> list[APIRouter]:
    """The routers of the gateway, in the order of its documentation."""
    production = settings.env == "production"
    urls = ObjectUrls(
        settings.public_base_url,
        clients.objects,
        settings.bucket,
        expires_s=settings.s3_url_expires_s,
        loopback_aliases=not production,
    )
    objects = PublicObjects(clients.objects)
    sources = ImageSources(clients.fetcher, objects, urls, settings.max_upload_bytes)
    forms = FormReader(settings.max_upload_bytes)
    keys, sessions = ApiKeys(settings.keys), Sessions(settings.keys)
    guard = ApiKeyGuard(keys, sessions)
    closed = ApiKeyGuard(keys, sessions, closed=True)
    search = SearchEndpoints(
        search=clients.search,
        uploads=Uploads(forms),
        queries=QueryReader(forms),
        sources=sources,
        urls=urls,
        guard=guard,
    )
    return [
        VisionEndpoints(clients.vision, forms, sources, urls, guard).router,
        CaptionEndpoints(clients.captions, settings.max_upload_bytes, guard).router,
        _generation(settings, clients, streams, guard).router,
        _analysis(settings, clients, threads, guard).router,
        search.router,
        DuplicateEndpoints(clients.search, urls, guard).router,
        SyncEndpoints(clients.sync, guard).router,
        JobEndpoints(JobOwners(clients.jobs), streams, guard, settings.deadline_s).router,
        ObjectEndpoints(objects, None if settings.objects_public else closed).router,
        AdminEndpoints(clients.captions, None if settings.debug else closed).router,
        HealthEndpoints(_readiness(clients)).router,
        SessionEndpoints(keys, sessions, forms, secure=settings.https).router,
        PageEndpoints(_image_origins(settings)).router,
        DocsEndpoints().router,
        # In production metrics have a port of their own, which no caller reaches.
        *([] if production else [MetricsEndpoints().router]),
    ]


def _generation(
    settings: Settings, clients: Clients, streams: EventStreams, guard: ApiKeyGuard
) -> GenerationEndpoints:
    return GenerationEndpoints(
        clients.generation,
        clients.vision,
        streams,
        guard,
        deadline_s=settings.generate_deadline_s,
        max_body_bytes=settings.max_json_body_bytes,
        max_image_bytes=settings.max_upload_bytes,
    )


def _analysis(
    settings: Settings, clients: Clients, threads: AnalysisThreads, guard: ApiKeyGuard
) -> AnalysisEndpoints:
    return AnalysisEndpoints(
        clients.vision,
        clients.segmentation,
        threads,
        guard,
        max_body_bytes=settings.max_json_body_bytes,
        max_image_bytes=settings.max_upload_bytes,
    )


def _image_origins(settings: Settings) -> list[str]:
    return image_origins(settings.public_base_url, settings.bucket, settings.aws_region)


def _readiness(clients: Clients) -> Readiness:
    return Readiness(
        [
            Downstream("vision-models", EMBEDDING_SERVICE, clients.vision.rpc),
            Downstream("vision-models-caption", CAPTION_SERVICE, clients.captions.rpc),
            Downstream("vision-models-generation", GENERATION_SERVICE, clients.generation.rpc),
            Downstream(
                "vision-models-segmentation", SEGMENTATION_SERVICE, clients.segmentation.rpc
            ),
            Downstream("search", SEARCH_SERVICE, clients.search.rpc),
        ],
        clients.vision.model_set,
    )
