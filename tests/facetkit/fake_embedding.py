"""An Embedding service whose EmbedTexts is given, and ports that misbehave."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import REGISTRY

from facet.vision.v1 import embedding_pb2, embedding_pb2_grpc, serving_pb2
from facetkit.client import RpcClient
from facetkit.errors import NotReady
from facetkit.server import FacetServer
from facetkit.testing import Service

SERVICE_NAME = embedding_pb2.DESCRIPTOR.services_by_name["EmbeddingService"].full_name
METHOD = f"/{SERVICE_NAME}/EmbedTexts"
PATIENCE_S = 20.0
"""Bound of everything that is awaited here and happens at once where the code is right."""
ROUNDING = 1.02
"""gRPC tells the next hop the time left in three digits, rounded up."""

Request = embedding_pb2.EmbedTextsRequest
Response = embedding_pb2.EmbedTextsResponse
Handler = Callable[[Request, Any], Awaitable[Response]]


class FakeEmbedding(embedding_pb2_grpc.EmbeddingServiceServicer):
    """EmbedTexts is the handler; `calls` counts it."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.calls = 0

    async def EmbedTexts(self, request: Request, context: Any) -> Response:
        self.calls += 1
        return await self._handler(request, context)

    async def GetEmbeddingModel(self, request: Any, context: Any) -> Any:
        raise NotReady("not part of the fake")

    async def EmbedImage(self, request: Any, context: Any) -> Any:
        raise NotReady("not part of the fake")

    async def ClassifyImage(self, request: Any, context: Any) -> Any:
        raise NotReady("not part of the fake")

    @property
    def service(self) -> Service:
        return Service(
            SERVICE_NAME, embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server, self
        )


def fake(handler: Handler) -> Service:
    return FakeEmbedding(handler).service


def raising(error: BaseException) -> FakeEmbedding:
    async def handler(request: Request, context: Any) -> Response:
        raise error

    return FakeEmbedding(handler)


def echoing() -> FakeEmbedding:
    """Answers the first text as the name of its model."""

    async def handler(request: Request, context: Any) -> Response:
        return named(request.texts[0])

    return FakeEmbedding(handler)


def named(name: str) -> Response:
    return Response(model=serving_pb2.ModelInfo(name=name))


@dataclass
class Held:
    """A handler that waits until it is released, and tells how it ended."""

    entered: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: Request, context: Any) -> Response:
        self.entered.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return named("released")


async def embed(client: RpcClient, text: str = "hat", *, timeout_s: float | None = None) -> str:
    stub = embedding_pb2_grpc.EmbeddingServiceStub(client.channel)
    response = await client.call(stub.EmbedTexts, Request(texts=[text]), timeout_s=timeout_s)
    return response.model.name


async def happens(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await event.wait()


async def holds(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


def counted(name: str, **labels: str) -> float:
    """The value of a metric; 0 before it has moved."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def connected(port: int, **options: Any) -> AsyncIterator[RpcClient]:
    client = RpcClient(f"127.0.0.1:{port}", **options)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def running(server: FacetServer, *services: Service) -> AsyncIterator[int]:
    """Runs `server` on a free port and yields that; health stays as `register` leaves it."""
    for service in services:
        await server.register(service.name, service.add, service.servicer)
    try:
        yield await server.start("127.0.0.1:0")
    finally:
        await server.stop(0)


Connection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(connection: Connection) -> AsyncIterator[int]:
    """A free port that gives every connection to `connection`; at the end all are broken."""
    loop = asyncio.get_running_loop()
    accepted: list[socket.socket] = []
    answers: list[asyncio.Task[None]] = []

    def accept() -> None:
        # At once, unlike asyncio's own server: none is left half accepted at the end.
        accepted.append(listener.accept()[0])
        answers.append(loop.create_task(_answer(connection, accepted[-1])))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        loop.add_reader(listener, accept)
        try:
            yield int(listener.getsockname()[1])
        finally:
            loop.remove_reader(listener)
            for answer in answers:
                answer.cancel()
            await asyncio.gather(*answers, return_exceptions=True)
            for each in accepted:
                each.close()


async def _answer(connection: Connection, accepted: socket.socket) -> None:
    async with streams(sock=accepted) as (reader, writer):
        await connection(reader, writer)


@asynccontextmanager
async def streams(
    **where: Any,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection, closed at the end; that the other side breaks it is no error."""
    with suppress(OSError):
        reader, writer = await asyncio.open_connection(**where)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()
            await writer.wait_closed()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads everything and says nothing."""
    while await reader.read(2**16):
        pass


@dataclass
class Relay:
    """Closes its first `refusals` connections and passes the later ones on to `target`."""

    refusals: int
    target: int = 0
    seen: int = 0
    refused: asyncio.Event = field(default_factory=asyncio.Event)
    passing: list[asyncio.StreamWriter] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen += 1
        if self.seen >= self.refusals:
            self.refused.set()
        if self.seen > self.refusals:
            await self._pass_on(reader, writer)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with streams(host="127.0.0.1", port=self.target) as (back, forth):
            self.passing += [writer, forth]
            await asyncio.gather(_copy(back, writer), _copy(reader, forth))

    def cut(self) -> None:
        """Breaks every connection that is passed on now."""
        for writer in self.passing:
            writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while content := await reader.read(2**16):
            writer.write(content)
            await writer.drain()
    writer.close()
