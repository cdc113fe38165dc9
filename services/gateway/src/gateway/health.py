"""Whether the gateway lives, and whether the mesh behind it is ready."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import grpc
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from facetkit.client import RpcClient
from facetkit.errors import FacetError

CHECK_S = 1.0
CACHE_S = 1.0
_SETTLED = ("ready", "not_served")


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ServiceState(BaseModel):
    """How one service behind the gateway is."""

    state: Literal["ready", "not_ready", "unreachable", "not_served"]
    reason: str = Field(description="Empty while all is well; a ready service may miss a part")


class ReadyReport(BaseModel):
    """What /readyz answers."""

    ready: bool = Field(description="Every service has been ready once since the gateway began")
    model_set: str | None = Field(description="`demo`, `demo-random` or `full`; null if unknown")
    services: dict[str, ServiceState]


@dataclass(frozen=True, slots=True)
class Downstream:
    """A service that the gateway needs: `name` in answers, gRPC `service` for the health check."""

    name: str
    service: str
    rpc: RpcClient


class Readiness:
    """Not ready until every downstream has been ready once, then ready for good.

    One dead downstream must not take away what the others serve, nor one that the mesh is set up
    without.
    """

    def __init__(
        self,
        downstreams: Sequence[Downstream],
        model_set: Callable[[float], Awaitable[str]],
        *,
        cache_s: float = CACHE_S,
    ) -> None:
        self._downstreams = downstreams
        self._model_set = model_set
        self._cache_s = cache_s
        self._been_ready: set[str] = set()
        self._asking = asyncio.Lock()
        self._report: ReadyReport | None = None
        self._reported_at = 0.0

    async def report(self) -> ReadyReport:
        """The state of every downstream, at most `cache_s` seconds old."""
        async with self._asking:
            if self._report is None or time.monotonic() - self._reported_at >= self._cache_s:
                self._report = await self._ask()
                self._reported_at = time.monotonic()
            return self._report

    async def _ask(self) -> ReadyReport:
        *states, model_set = await asyncio.gather(
            *(_state(downstream) for downstream in self._downstreams), self._known_model_set()
        )
        services = {
            downstream.name: state
            for downstream, state in zip(self._downstreams, states, strict=True)
            if isinstance(state, ServiceState)
        }
        self._been_ready |= {name for name, state in services.items() if state.state in _SETTLED}
        return ReadyReport(
            ready=len(self._been_ready) == len(self._downstreams),
            model_set=model_set if isinstance(model_set, str) else None,
            services=services,
        )

    async def _known_model_set(self) -> str | None:
        with contextlib.suppress(FacetError):
            return await self._model_set(CHECK_S)
        return None


class HealthEndpoints:
    """GET /healthz and /readyz."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness
        self.router = APIRouter(tags=["health"])
        # Some load balancers probe with HEAD.
        for method in ("GET", "HEAD"):
            self._route(method)

    def _route(self, method: str) -> None:
        shown = method == "GET"
        self.router.add_api_route(
            "/healthz",
            self.live,
            methods=[method],
            summary="Is the gateway alive?",
            include_in_schema=shown,
        )
        self.router.add_api_route(
            "/readyz",
            self.ready,
            methods=[method],
            summary="Is the mesh ready?",
            responses={503: {"model": ReadyReport, "description": "Not ready yet"}},
            include_in_schema=shown,
        )

    async def live(self) -> Liveness:
        """200 as long as the process answers."""
        return Liveness()

    async def ready(self, response: Response) -> ReadyReport:
        """503 until every service has been ready once; from then on 200, with each one's state."""
        report = await self._readiness.report()
        if not report.ready:
            response.status_code = 503
            response.headers["Retry-After"] = "1"
        return report


async def _state(downstream: Downstream) -> ServiceState:
    health = await downstream.rpc.health(downstream.service, timeout_s=CHECK_S)
    if health.ready:
        return ServiceState(state="ready", reason=health.reason)
    if not health.served:
        return ServiceState(state="not_served", reason="")
    connected = downstream.rpc.channel.get_state() is grpc.ChannelConnectivity.READY
    return ServiceState(state="not_ready" if connected else "unreachable", reason=health.reason)
