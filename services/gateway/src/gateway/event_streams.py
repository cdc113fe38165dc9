"""Server-sent events, with heartbeats; they end with the server instead of keeping it waiting."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import structlog
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from facetkit.errors import FacetError, Overloaded, kind_of

log = structlog.get_logger(__name__)

HEARTBEAT_S = 15.0
MAX_OPEN = 256
MEDIA_TYPE = "text/event-stream"

_HEARTBEAT = b": heartbeat\n\n"
# Proxies must neither keep the events nor hold them back.
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True)
class Event:
    """One event: callers come back with the last `id` they have; `data` is one line.

    Without an `id` there is no coming back.
    """

    id: int | None
    name: str
    data: str

    def encode(self) -> bytes:
        """The event as it is sent."""
        place = "" if self.id is None else f"id: {self.id}\n"
        return f"{place}event: {self.name}\ndata: {self.data}\n\n".encode()


class EventStreams:
    """All event streams of the process, at most `max_open`; a heartbeat each `heartbeat_s`."""

    def __init__(self, *, heartbeat_s: float = HEARTBEAT_S, max_open: int = MAX_OPEN) -> None:
        self._heartbeat_s = heartbeat_s
        self._max_open = max_open
        self._open = 0
        self._ended = asyncio.Event()

    def answer(self, events: AsyncGenerator[Event, None]) -> StreamingResponse:
        """An answer that sends `events` as they come, and closes them. Raises Overloaded."""
        self._check_room()
        return _Answer(self, events)

    async def begun_answer(self, events: AsyncGenerator[Event, None]) -> StreamingResponse:
        """As `answer`, once the first event is there; raises what `events` raise before it.

        A server that stops lets these events come to their end, as it does with other answers.
        """
        self._check_room()
        first = await anext(events)
        return _Answer(self, events, first)

    def _check_room(self) -> None:
        if self._open >= self._max_open:
            raise Overloaded("too many event streams at once", retry_after_s=5.0)

    def end(self) -> None:
        """Ends every stream, for good; callers open theirs anew, at another gateway."""
        self._ended.set()

    async def serve(
        self,
        events: AsyncGenerator[Event, None],
        first: Event | None,
        receive: Receive,
        send: Send,
    ) -> None:
        """Sends `events` and heartbeats until one side ends; a `first` event has come already."""
        self._open += 1
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(_tell(events, first, send)),
                    group.create_task(self._beat(send)),
                    group.create_task(_departure(receive)),
                    *([] if first else [group.create_task(self._ended.wait())]),
                ]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()
        finally:
            self._open -= 1

    async def _beat(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_s)
            await _write(send, _HEARTBEAT)


class _Answer(StreamingResponse):
    media_type = MEDIA_TYPE

    def __init__(
        self,
        streams: EventStreams,
        events: AsyncGenerator[Event, None],
        first: Event | None = None,
    ) -> None:
        super().__init__((), headers=_HEADERS)
        self._streams = streams
        self._events = events
        self._first = first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._events):
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            await self._streams.serve(self._events, self._first, receive, send)
        await _write(send, b"", more=False)


async def _tell(events: AsyncGenerator[Event, None], first: Event | None, send: Send) -> None:
    try:
        if first:
            await _write(send, first.encode())
        async for event in events:
            await _write(send, event.encode())
    except FacetError as error:
        # The answer has begun; callers who come back are told then.
        log.warning("an event stream broke off", code=kind_of(error).code, error=error.message)


async def _departure(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _write(send: Send, content: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": content, "more_body": more})
