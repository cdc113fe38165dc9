"""A reader of server-sent events, as browsers have one."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

PATIENCE_S = 20.0
"""Bound of everything that is awaited here and happens at once where the code is right."""


@dataclass
class Received:
    """An event, `id` empty where it has none; of a comment `name` is empty and `data` its text."""

    id: str
    name: str
    data: Any


class EventSource:
    """The answer to a request for events."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def all(self) -> AsyncIterator[Received]:
        """Events and comments until the stream ends."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            name, _, text = line.partition(": ")
            if line and name:
                fields[name] = text
            elif line:
                yield Received("", "", text)
            elif fields:
                yield Received(fields.get("id", ""), fields["event"], json.loads(fields["data"]))
                fields = {}

    async def next(self) -> Received:
        """The next event, comments passed over."""
        async for received in self.all():
            if received.name:
                return received
        raise EOFError("the stream has ended")

    async def rest(self) -> list[Received]:
        """The events until the end."""
        return [received async for received in self.all() if received.name]


@asynccontextmanager
async def listening(port: int, path: str, **headers: str) -> AsyncIterator[EventSource]:
    """Opens `path` at the gateway on `port`; leaving the block leaves the gateway."""
    async with _opened(port, "GET", path, headers=headers) as source:
        yield source


@asynccontextmanager
async def asking(
    port: int, path: str, body: Mapping[str, Any], /, **headers: str
) -> AsyncIterator[EventSource]:
    """As `listening`, by POST of `body` as JSON."""
    async with _opened(port, "POST", path, headers=headers, json=body) as source:
        yield source


@asynccontextmanager
async def _opened(port: int, method: str, path: str, **options: Any) -> AsyncIterator[EventSource]:
    async with (
        asyncio.timeout(PATIENCE_S),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as http,
        http.stream(method, path, **options) as answer,
    ):
        yield EventSource(answer)
