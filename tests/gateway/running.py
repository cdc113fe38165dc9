"""The gateway over fake services, in the test's process or behind a real HTTP server."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from facet.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from facet.search.v1 import search_pb2_grpc
from facet.vision.v1 import (
    caption_pb2_grpc,
    embedding_pb2_grpc,
    generation_pb2_grpc,
    segmentation_pb2_grpc,
)
from facetkit.client import RpcClient
from facetkit.fetch import SafeFetcher
from facetkit.memory_objects import MemoryObjectStore
from facetkit.testing import Service, serving
from gateway.app import create_app
from gateway.clients import Clients
from gateway.event_streams import EventStreams
from gateway.jobs.client import JobsClient, SyncClient
from gateway.search.client import SEARCH_SERVICE, SearchClient
from gateway.server import Server
from gateway.settings import Settings
from gateway.vision.caption_client import CAPTION_SERVICE, CaptionClient
from gateway.vision.client import EMBEDDING_SERVICE, VisionClient
from gateway.vision.generation_client import GENERATION_SERVICE, GenerationClient
from gateway.vision.segmentation_client import SEGMENTATION_SERVICE, SegmentationClient
from tests.gateway.fake_generation import FakeGeneration
from tests.gateway.fake_jobs import FakeJobs
from tests.gateway.fake_segmentation import FakeSegmentation
from tests.gateway.fakes import FakeCaption, FakeEmbedding, FakeSearch

ADD_EMBEDDING = embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server
ADD_CAPTION = caption_pb2_grpc.add_CaptionServiceServicer_to_server
ADD_GENERATION = generation_pb2_grpc.add_GenerationServiceServicer_to_server
ADD_SEGMENTATION = segmentation_pb2_grpc.add_SegmentationServiceServicer_to_server
ADD_SEARCH = search_pb2_grpc.add_SearchServiceServicer_to_server
ADD_JOBS = jobs_pb2_grpc.add_JobsServiceServicer_to_server
JOBS_SERVICE = jobs_pb2.DESCRIPTOR.services_by_name["JobsService"].full_name
KEY = "a-key"


@dataclass
class Gateway:
    """A gateway under test: `http` calls it, the rest is what lies behind it."""

    http: httpx.AsyncClient
    app: FastAPI
    objects: MemoryObjectStore
    embedding: FakeEmbedding
    caption: FakeCaption
    generation: FakeGeneration
    segmentation: FakeSegmentation
    search: FakeSearch
    jobs: FakeJobs
    streams: EventStreams


def settings(**changes: Any) -> Settings:
    """Settings for tests, free of the environment's `.env`."""
    return Settings(**{"_env_file": None, "env": "test", "api_key": "", **changes})


def in_process(app: FastAPI) -> httpx.AsyncClient:
    """A client that calls `app` without any network."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://localhost:8000"
    )


@asynccontextmanager
async def running_gateway(
    allow: str = "", streams: EventStreams | None = None, **changes: Any
) -> AsyncIterator[Gateway]:
    """A gateway with the `changes` to its settings; `allow` may be fetched from."""
    embedding, caption = FakeEmbedding(), FakeCaption()
    generation, segmentation = FakeGeneration(), FakeSegmentation()
    search, jobs = FakeSearch(), FakeJobs()
    objects, streams = MemoryObjectStore(), streams or EventStreams()
    services = (
        Service(EMBEDDING_SERVICE, ADD_EMBEDDING, embedding),
        Service(CAPTION_SERVICE, ADD_CAPTION, caption),
        Service(GENERATION_SERVICE, ADD_GENERATION, generation),
        Service(SEGMENTATION_SERVICE, ADD_SEGMENTATION, segmentation),
        Service(SEARCH_SERVICE, ADD_SEARCH, search),
        Service(JOBS_SERVICE, ADD_JOBS, jobs),
    )
    async with serving(*services) as rpc:
        app = create_app(settings(**changes), clients(rpc, rpc, objects, allow), streams)
        async with in_process(app) as http:
            yield Gateway(
                http=http,
                app=app,
                objects=objects,
                embedding=embedding,
                caption=caption,
                generation=generation,
                segmentation=segmentation,
                search=search,
                jobs=jobs,
                streams=streams,
            )


def clients(
    vision: RpcClient, search: RpcClient, objects: MemoryObjectStore, allow: str = ""
) -> Clients:
    """Clients over the given channels."""
    fetcher = SafeFetcher(max_bytes=2**20, timeout_s=5, allow=[allow] if allow else [])
    return Clients(
        vision=VisionClient(vision),
        captions=CaptionClient(vision),
        generation=GenerationClient(vision),
        segmentation=SegmentationClient(vision),
        search=SearchClient(search),
        sync=SyncClient(search),
        jobs={"sync": JobsClient(search)},
        fetcher=fetcher,
        objects=objects,
    )


@asynccontextmanager
async def served(app: FastAPI, streams: EventStreams | None = None) -> AsyncIterator[int]:
    """Serves `app` by the gateway's own server on loopback, until its answers are complete.

    Yields the port.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False
    )
    server = Server(config, streams or EventStreams())
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield listener.getsockname()[1]
    except BaseException:
        server.force_exit = True
        raise
    finally:
        server.should_exit = True
        await task


@dataclass
class RawAnswer:
    """An HTTP answer as it came; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


async def read_answer(reader: asyncio.StreamReader) -> RawAnswer:
    """The next answer with a Content-Length."""
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = [line.partition(": ") for line in lines if line]
    headers = {name.lower(): value for name, _, value in pairs}
    body = await reader.readexactly(int(headers["content-length"]))
    return RawAnswer(int(status.split()[1]), headers, body)


@asynccontextmanager
async def answering(content: bytes, status: str = "200 OK") -> AsyncIterator[str]:
    """An HTTP server that answers `content` to everything; yields its host:port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + content)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
