"""A real server on a free port, for tests: limits, interceptors and client as in production."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from facetkit.client import RpcClient
from facetkit.health import Health
from facetkit.server import FacetServer, ServerLimits


@dataclass(frozen=True)
class Service:
    """One servicer to be served: full service name, generated `add_…_to_server`, servicer."""

    name: str
    add: Callable[[Any, Any], None]
    servicer: object


@asynccontextmanager
async def serving(
    *services: Service, limits: ServerLimits | None = None
) -> AsyncIterator[RpcClient]:
    """Serves on loopback and yields a client of it; every service is reported ready."""
    server = FacetServer(limits or ServerLimits())
    for service in services:
        await server.register(service.name, service.add, service.servicer)
        await server.health.report(service.name, Health(ready=True))
    port = await server.start("127.0.0.1:0")
    client = RpcClient(f"127.0.0.1:{port}")
    try:
        yield client
    finally:
        await client.close()
        await server.stop(0)
