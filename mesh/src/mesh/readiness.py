"""Waits until the gateway says that the mesh is ready."""

import asyncio
import json
import time
from http import HTTPStatus

from mesh.child import Say
from mesh.http_get import http_get

READY = "ready"


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

    async def wait(self) -> None:
        """Return once all is ready; say from time to time what is still waited for."""
        reminded_at = time.monotonic()
        while (waiting_for := await self._ask()) is not None:
            if time.monotonic() - reminded_at >= self._remind_every_s:
                reminded_at = time.monotonic()
                self._say(f"waiting for {waiting_for}")
            await asyncio.sleep(self._every_s)

    async def _ask(self) -> str | None:
        try:
            status, body = await http_get(self._host, self._port, "/readyz", timeout_s=3.0)
        except (OSError, ValueError):
            return "gateway: it does not answer yet"
        return None if status == HTTPStatus.OK else _what_is_missing(body)


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
