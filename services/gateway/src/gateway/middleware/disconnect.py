"""Cancels the work of callers who have left."""

import asyncio
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


class CancelOnDisconnect:
    """Cancels the request's task, and its RPCs with it, when the caller leaves.

    The app's own `receive` goes on working: the body passes through it untouched, and only once
    the body is complete does a second task wait for the disconnect.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        task: asyncio.Task[Any] | None = asyncio.current_task()
        assert task is not None
        caller = _Caller(task, receive, send)
        if _has_no_body(scope):
            await caller.read_ahead()
        try:
            await self._app(scope, caller.receive, caller.send)
        except asyncio.CancelledError:
            # Somebody else may have cancelled as well: a deadline, or the server that stops.
            if not caller.left or task.uncancel():
                raise
        finally:
            await caller.release()


class _Caller:
    def __init__(self, task: asyncio.Task[Any], receive: Receive, send: Send) -> None:
        self.left = False
        self._task = task
        self._receive = receive
        self._send = send
        self._answered = False
        self._gone = asyncio.Event()
        self._ahead: Message | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def read_ahead(self) -> None:
        """Reads the one empty message of a request without a body, which apps seldom ask for."""
        self._ahead = await self.receive()

    async def receive(self) -> Message:
        if self._ahead:
            message, self._ahead = self._ahead, None
            return message
        if self._watcher:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._watcher = asyncio.create_task(self._watch())
        return message

    async def send(self, message: Message) -> None:
        # Servers report a disconnect after each answer, also where the connection lives on.
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._answered = True
        await self._send(message)

    async def release(self) -> None:
        if self._watcher:
            self._watcher.cancel()
            await asyncio.wait({self._watcher})

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone.set()
        if not self._answered:
            self.left = True
            self._task.cancel()


def _has_no_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    declared = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    return scope["method"] in _WITHOUT_BODY and not declared
