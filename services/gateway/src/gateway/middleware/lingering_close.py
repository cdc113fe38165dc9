"""Ends connections whose caller is still sending when its answer is complete."""

import asyncio
import contextlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LINGER_S = 2.0
"""How long such a caller may go on sending: cut off at once, it would not read the answer."""

SMALL_BODY_BYTES = 64 * 1024
"""Up to this declared length a body is not worth a connection: the server discards it."""


class LingeringClose:
    """Answers before the body is read, then discards for a while, then closes the connection.

    Servers read on for as long as a caller sends, which may be for ever.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http" or _is_small(scope):
            await self._app(scope, receive, send)
            return
        flow = _Flow(receive, send)
        await self._app(scope, flow.receive, flow.send)
        if flow.held:
            await flow.linger()


class _Flow:
    """One request's messages; `held` once the answer is all sent but for its end."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.held = False
        self._closing = False
        self._unread = True
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._unread = False
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._closing = self._unread
            if self._closing:
                MutableHeaders(scope=message)["Connection"] = "close"
        elif self._closing and not message.get("more_body", False):
            self.held = True
            message = {**message, "more_body": True}
        await self._send(message)

    async def linger(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while self._unread:
                    await self.receive()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _is_small(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    length = headers.get("content-length", "0")
    declared = int(length) if length.isascii() and length.isdigit() else 0
    return "transfer-encoding" not in headers and declared <= SMALL_BODY_BYTES
