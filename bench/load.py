"""Load on a server: so many requests in flight, one image each, and what an image costs."""

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from bench.servers import Server

MODEL = "clip"
TIMEOUT_S = 120
Send = Callable[[httpx.AsyncClient, bytes], Awaitable[httpx.Response]]
"""One request with one image."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What an image cost: milliseconds of all processes' CPU, and of time that passed."""

    cpu_ms: float
    wall_ms: float


async def search(client: httpx.AsyncClient, image: bytes) -> httpx.Response:
    """A search by picture through the whole mesh."""
    files = {"file": ("photo.jpg", image, "image/jpeg")}
    return (await client.post("/api/search", files=files)).raise_for_status()


async def embed(client: httpx.AsyncClient, image: bytes) -> httpx.Response:
    """What embedding servers are asked: the image as a data URL in JSON."""
    return (await client.post("/embeddings", json=data_url_body(image))).raise_for_status()


def data_url_body(image: bytes) -> dict[str, Any]:
    """The JSON of one such request."""
    url = "data:image/jpeg;base64," + base64.b64encode(image).decode()
    return {"model": MODEL, "input": [url], "modality": "image"}


def measure(server: Server, send: Send, images: Sequence[bytes], in_flight: int) -> Cost:
    """One round over all images, after a warm-up with as many as are in flight."""
    return asyncio.run(_measure(server, send, images, in_flight))


async def _measure(server: Server, send: Send, images: Sequence[bytes], in_flight: int) -> Cost:
    waiting = iter(images)
    limits = httpx.Limits(max_connections=in_flight)
    async with httpx.AsyncClient(base_url=server.url, timeout=TIMEOUT_S, limits=limits) as client:

        async def worker() -> None:
            for image in waiting:
                await send(client, image)

        await asyncio.gather(*(send(client, image) for image in images[:in_flight]))
        cpu_s, started = server.cpu_s(), time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(in_flight)))
        wall_s = time.perf_counter() - started
    count = len(images) / 1000
    return Cost((server.cpu_s() - cpu_s) / count, wall_s / count)


def idle_percent(server: Server, seconds: float) -> float:
    """Percent of one core that all processes take while nobody asks."""
    time.sleep(3)
    cpu_s, started = server.cpu_s(), time.perf_counter()
    time.sleep(seconds)
    return 100 * (server.cpu_s() - cpu_s) / (time.perf_counter() - started)
