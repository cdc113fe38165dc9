"""Health per gRPC service, with the reason where it is not serving."""

import re
from dataclasses import dataclass
from typing import Any

from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

REASON_KEY = "x-health-reason"

LIVENESS = "liveness"
"""Name under which a process says that it is not stuck; unlike readiness it needs no peer."""


@dataclass(frozen=True, slots=True)
class Health:
    """What a health check told; `reason` is empty while ready.

    `served` is false where the process answers and has no such service.
    """

    ready: bool
    reason: str = ""
    served: bool = True


_STOPPING = Health(ready=False, reason="stopping")
_REASON_LENGTH = 500


class HealthBoard(HealthServicer):
    """The standard health service; Check adds the reason as trailing metadata."""

    def __init__(self) -> None:
        super().__init__()
        self._reported: dict[str, Health] = {}
        self._stopping = False

    async def report(self, service: str, health: Health) -> None:
        """Sets what Check and Watch tell about `service`, and about the process as a whole ("")."""
        told = _STOPPING if self._stopping and service != LIVENESS else health
        self._reported[service] = told
        await self._publish(service, told)
        await self._publish("", self._overall())

    async def enter_graceful_shutdown(self) -> None:
        """Tells of every service, for good, that it is stopping; the liveness stays as reported."""
        self._stopping = True
        for service, health in list(self._reported.items()):
            await self.report(service, health)

    def _overall(self) -> Health:
        unready = (health for health in self._reported.values() if not health.ready)
        return _STOPPING if self._stopping else next(unready, Health(ready=True))

    async def _publish(self, service: str, health: Health) -> None:
        status = health_pb2.HealthCheckResponse
        await self.set(service, status.SERVING if health.ready else status.NOT_SERVING)

    async def Check(
        self,
        request: health_pb2.HealthCheckRequest,
        context: Any,
    ) -> health_pb2.HealthCheckResponse:
        """The standard Check."""
        health = self._reported.get(request.service) if request.service else self._overall()
        if health and health.reason:
            context.set_trailing_metadata(((REASON_KEY, _as_header(health.reason)),))
        return await super().Check(request, context)


def _as_header(text: str) -> str:
    # Anything but printable ASCII, or more than some kilobytes, would fail the whole call.
    return re.sub("[^ -~]", "?", " ".join(text.split()))[:_REASON_LENGTH]
