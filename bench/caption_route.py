"""A gateway and what answers it for captions, asked so many images at a time."""

import asyncio
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.load import TIMEOUT_S, Cost
from bench.mesh_processes import LOGS
from bench.servers import Server
from tests.ports import free_port

HOST = "127.0.0.1"
PATH = "/api/caption-images"
READY = "/api/caption-models"


class CaptionRoute:
    """`python -m gateway` over `command`, a server of captions that listens on `port`.

    Without the supervisor of `make run`, which would restart what is held.
    """

    def __init__(
        self, name: str, command: Sequence[str], variables: dict[str, str], port: int
    ) -> None:
        settings = os.environ | {"OMP_NUM_THREADS": "1", "LOG_LEVEL": "INFO"} | variables
        gateway_port = free_port()
        address = {
            "PORT": str(gateway_port),
            "METRICS_PORT": "0",
            "VISION_CAPTION_TARGET": f"{HOST}:{port}",
        }
        url = f"http://{HOST}:{gateway_port}"
        run = (sys.executable, "-m")
        answering = Server((*run, *command), settings, url, READY, _log(name, command[0]))
        gateway = Server((*run, "gateway"), settings | address, url, READY, _log(name, "gateway"))
        self._url = url
        self._servers = (gateway, answering)

    def wait_ready(self) -> None:
        """Returns once the gateway reaches what answers it."""
        self._servers[0].wait_ready()

    def cpu_s(self) -> float:
        """User and system seconds of both so far."""
        return sum(server.cpu_s() for server in self._servers)

    def hold(self) -> None:
        """Stops both from running."""
        for server in self._servers:
            server.hold()

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Lets both run for a while; connections that broke meanwhile are made anew."""
        gateway, answering = self._servers
        with answering.awake(), gateway.awake():
            self.wait_ready()
            yield

    def stop(self) -> None:
        """Stops both."""
        for server in self._servers:
            server.stop()

    def measure(self, images: Sequence[bytes], in_flight: int, *, words: int, cached: bool) -> Cost:
        """One round over all images. Raises RuntimeError for an answer of another kind."""
        return asyncio.run(self._measure(images, in_flight, (words, cached)))

    async def _measure(
        self, images: Sequence[bytes], in_flight: int, expected: tuple[int, bool]
    ) -> Cost:
        waiting = iter(images)
        async with httpx.AsyncClient(base_url=self._url, timeout=TIMEOUT_S) as client:

            async def worker() -> None:
                for image in waiting:
                    await _caption(client, image, expected)

            await client.get(READY)
            cpu_s, started = self.cpu_s(), time.perf_counter()
            await asyncio.gather(*(worker() for _ in range(in_flight)))
            wall_s = time.perf_counter() - started
        count = len(images) / 1000
        return Cost((self.cpu_s() - cpu_s) / count, wall_s / count)


async def _caption(client: httpx.AsyncClient, image: bytes, expected: tuple[int, bool]) -> None:
    files = {"images": ("photo.jpg", image, "image/jpeg")}
    response = await client.post(PATH, params={"model": "blip"}, files=files)
    [result] = response.raise_for_status().json()["results"]
    got = (len(result["caption"].split()), result["cache"])
    if got != expected:
        raise RuntimeError(f"words and cache are {got}, not {expected}")


def _log(name: str, part: str) -> Path:
    return LOGS / f"captions-{name}-{part}.log"
