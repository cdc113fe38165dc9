"""Health per gRPC service, with the reason where it is not serving."""

from dataclasses import dataclass
from typing import Any

from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

REASON_KEY = "x-health-reason"

LIVENESS = "liveness"
"""Name under which a process says that it is not stuck; unlike readiness it needs no peer."""


@dataclass(frozen=True, slots=True)
class Health:
    """What a health check told; `reason` is empty while ready."""

    ready: bool
    reason: str = ""


class HealthBoard(HealthServicer):
    """The standard health service; Check adds the reason as trailing metadata."""

    def __init__(self) -> None:
        super().__init__()
        self._reported: dict[str, Health] = {}

    async def report(self, service: str, health: Health) -> None:
        """Sets what Check and Watch tell about `service`, and about the process as a whole ("")."""
        self._reported[service] = health
        await self._publish(service, health)
        unready = [state for state in self._reported.values() if not state.ready]
        await self._publish("", unready[0] if unready else Health(ready=True))

    async def _publish(self, service: str, health: Health) -> None:
        status = health_pb2.HealthCheckResponse
        await self.set(service, status.SERVING if health.ready else status.NOT_SERVING)

    async def Check(
        self,
        request: health_pb2.HealthCheckRequest,
        context: Any,
    ) -> health_pb2.HealthCheckResponse:
        """The standard Check."""
        health = self._reported.get(request.service)
        if health and health.reason:
            context.set_trailing_metadata(((REASON_KEY, _ascii(health.reason)),))
        return await super().Check(request, context)


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()
