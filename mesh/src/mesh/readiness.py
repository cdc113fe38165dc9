"""Waits until the gateway says that the mesh is ready."""

import asyncio
import json
import time
from http import HTTPStatus

from mesh.child import Say
from mesh.http_get import http_get

READY = "ready"
NO_ANSWER = (
    b'{"services": {"gateway": {"state": "unreachable", "reason": "it does not answer yet"}}}'
)


class Readiness:
    """The gateway's `/readyz`, asked until it answers 200."""

    def __init__(
        self, host: str, port: int, say: Say, every_s: float = 0.25, remind_every_s: float = 10.0
    ) -> None:
        self._host = host
        self._port = port
        self._say = say
        self._every_s = every_s
        self._remind_every_s = remind_every_s

    async def wait(self) -> str:
        """Return the set of models once all is ready; say at times what is still waited for."""
        reminded_at = time.monotonic()
        while True:
            status, body = await self._ask()
            if status == HTTPStatus.OK:
                return _model_set(body)
            if time.monotonic() - reminded_at >= self._remind_every_s:
                reminded_at = time.monotonic()
                self._say(f"waiting for {_what_is_missing(body)}")
            await asyncio.sleep(self._every_s)

    async def _ask(self) -> tuple[int, bytes]:
        try:
            return await http_get(self._host, self._port, "/readyz", timeout_s=3.0)
        except (OSError, ValueError):
            return HTTPStatus.SERVICE_UNAVAILABLE, NO_ANSWER


def _model_set(body: bytes) -> str:
    try:
        return str(json.loads(body)["model_set"])
    except (ValueError, KeyError, TypeError):
        return "unknown"


def _what_is_missing(body: bytes) -> str:
    try:
        services = json.loads(body)["services"].items()
        missing = [
            f"{name}: {service.get('reason') or service['state']}"
            for name, service in services
            if service["state"] != READY
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        missing = []
    return "; ".join(missing) or "gateway: it is not ready"
