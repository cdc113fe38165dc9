"""The server side of a hop: limits, health, reflection, interceptors, graceful stop."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from facetkit.client import MAX_MESSAGE_BYTES
from facetkit.health import LIVENESS, Health, HealthBoard
from facetkit.interceptors import AccessLog, Deadlines, Errors, RequestIds

log = structlog.get_logger(__name__)

MAX_CONNECTION_AGE_MS = 60_000


@dataclass(frozen=True)
class ServerLimits:
    """Bounds of one server."""

    max_message_bytes: int = MAX_MESSAGE_BYTES
    max_concurrent_rpcs: int = 512
    max_call_s: float = 300.0


def server_options(limits: ServerLimits) -> list[tuple[str, Any]]:
    """Options of every server; a taken port is an error instead of shared in silence."""
    return [
        ("grpc.so_reuseport", 0),
        ("grpc.max_send_message_length", limits.max_message_bytes),
        ("grpc.max_receive_message_length", limits.max_message_bytes),
        ("grpc.max_connection_age_ms", MAX_CONNECTION_AGE_MS),
        # A call may outlive its connection's age by as long as any call may take.
        ("grpc.max_connection_age_grace_ms", int(limits.max_call_s * 1000)),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 1000),
        ("grpc.http2.min_ping_interval_without_data_ms", 1000),
        ("grpc.http2.max_ping_strikes", 0),
        ("grpc.keepalive_permit_without_calls", 1),
    ]


@dataclass
class FacetServer:
    """A gRPC server with health per service; `register` adds servicers before `start`."""

    limits: ServerLimits = field(default_factory=ServerLimits)
    health: HealthBoard = field(default_factory=HealthBoard)
    port: int = 0

    def __post_init__(self) -> None:
        self.grpc = grpc.aio.server(
            interceptors=[
                RequestIds(),
                Errors(),
                AccessLog(),
                Deadlines(self.limits.max_call_s),
            ],
            options=server_options(self.limits),
            maximum_concurrent_rpcs=self.limits.max_concurrent_rpcs,
        )
        self._services: list[str] = []
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self.grpc)

    async def register(
        self, service: str, add: Callable[[Any, Any], None], servicer: object
    ) -> None:
        """Adds `servicer` under its full `service` name; its health starts as not ready."""
        add(servicer, self.grpc)
        self._services.append(service)
        await self.health.report(service, Health(ready=False, reason="starting"))

    async def start(self, address: str) -> int:
        """Listens on `address` (host:port; port 0 chooses one) and returns the port.

        Raises RuntimeError when the port is taken.
        """
        names = [*self._services, health.SERVICE_NAME, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, self.grpc)
        self.port = self.grpc.add_insecure_port(address)
        await self.grpc.start()
        await self.health.report(LIVENESS, Health(ready=True))
        log.info("listening", port=self.port, services=self._services)
        return self.port

    async def stop(self, grace_s: float) -> None:
        """Ends new calls at once and those in flight after `grace_s` seconds."""
        await self.grpc.stop(grace_s)

    async def run_until_signal(self, *, drain_s: float, grace_s: float) -> None:
        """Serves until SIGTERM or SIGINT, then says NOT_SERVING, drains and stops."""
        await _signalled((signal.SIGTERM, signal.SIGINT))
        log.info("stopping", drain_s=drain_s, grace_s=grace_s)
        await self.health.enter_graceful_shutdown()
        await asyncio.sleep(drain_s)
        await self.stop(grace_s)


async def _signalled(signals: Sequence[signal.Signals]) -> None:
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in signals:
        loop.add_signal_handler(number, event.set)
    await event.wait()
