"""Bounds of request bodies: each one, and all that are being served together."""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facetkit.errors import FacetError, Overloaded, TooLarge
from gateway import metrics
from gateway.errors import answer


class BodyLimit:
    """Refuses a body over `max_bytes` (413), or over what `max_inflight_bytes` leaves (429).

    The paths of `larger` have a limit of their own. A declared length is judged before anything
    is read, every other body while it arrives.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        larger: Mapping[str, int],
        max_inflight_bytes: int,
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._larger = larger
        self._max_inflight_bytes = max_inflight_bytes
        self._inflight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._larger.get(scope["path"], self._max_bytes)
        flow = _Flow(self, most, receive, send)
        flow.refusal = self.fault(_declared_bytes(scope), most, already=0)
        try:
            if flow.refusal is None:
                await self._app(scope, flow.receive, flow.send)
        except Exception:
            if flow.refusal is None:
                raise
        finally:
            self.count(-flow.received)
        if flow.refusal and not flow.started:
            await answer(flow.refusal)(scope, receive, send)

    def fault(self, more: int, most: int, *, already: int) -> FacetError | None:
        """Why `more` bytes of `most` cannot follow the `already` received ones, or None."""
        if already + more > most:
            return TooLarge(f"the body is larger than {most / 2**20:g} MiB")
        if self._inflight + more > self._max_inflight_bytes:
            return Overloaded("too many uploads at once", retry_after_s=1.0)
        return None

    def count(self, size: int) -> None:
        """Adds `size` bytes to those in flight."""
        self._inflight += size
        metrics.INFLIGHT_BODY_BYTES.inc(size)


class _Flow:
    """One request's messages, in and out."""

    def __init__(self, limit: BodyLimit, most: int, receive: Receive, send: Send) -> None:
        self.received = 0
        self.started = False
        self.refusal: FacetError | None = None
        self._limit = limit
        self._most = most
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        message = await self._receive()
        size = len(message.get("body", b""))
        self.refusal = self.refusal or self._limit.fault(size, self._most, already=self.received)
        if self.refusal:
            raise self.refusal
        self.received += size
        self._limit.count(size)
        return message

    async def send(self, message: Message) -> None:
        # Whatever the app makes of the refusal that it met while reading, ours is the answer.
        if self.refusal is None or self.started:
            self.started = True
            await self._send(message)


def _declared_bytes(scope: Scope) -> int:
    declared = Headers(scope=scope).get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else 0
