"""The served side: pictures of vision-models through gRPC, with previews."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass

from bench.diffusion_drawing import Drawn, Picture, Pixels
from bench.generation_server import VisionServer
from bench.load import Cost
from facetkit.client import RpcClient
from tests.faults.generation_calls import GenerationCalls, Response, pixels

BUSY = Picture(steps=20, seed=0, width=64, height=64)
"""Keeps the device from whoever is to wait."""


@dataclass(frozen=True, slots=True)
class Waited:
    """Requests that waited together: the time from their first step to their last answer."""

    wall_ms: float
    pixels: Sequence[Pixels]


@dataclass(frozen=True, slots=True)
class _Answer:
    begun_at: float
    ended_at: float
    pixels: Pixels


class ServedDiffusion:
    """GenerateImages of `server`, which is held but for when it draws."""

    def __init__(self, server: VisionServer) -> None:
        self._server = server

    def draw(self, picture: Picture) -> Drawn:
        """The picture."""
        with self._server.awake():
            return asyncio.run(self._draw(picture))

    def wait_together(self, pictures: Sequence[Picture]) -> Waited:
        """Pictures that were asked for while another was drawn.

        Raises RuntimeError where they were not drawn side by side.
        """
        with self._server.awake():
            answers = asyncio.run(self._wait(pictures))
        begun, ended = [each.begun_at for each in answers], [each.ended_at for each in answers]
        if max(begun) > min(ended):
            raise RuntimeError("waiting requests were drawn one after the other")
        return Waited((max(ended) - min(begun)) * 1000, [each.pixels for each in answers])

    async def _draw(self, picture: Picture) -> Drawn:
        async with self._server.rpc() as rpc:
            cpu_s, started = self._server.cpu_s(), time.perf_counter()
            answer = await _answer(rpc, picture)
            wall_s = time.perf_counter() - started
            cpu_s = self._server.cpu_s() - cpu_s
        return Drawn(picture, Cost(cpu_s * 1000, wall_s * 1000), answer.pixels)

    async def _wait(self, pictures: Sequence[Picture]) -> list[_Answer]:
        async with self._server.rpc() as rpc, aclosing(_events(rpc, BUSY)) as busy:
            async for event in busy:
                if event.HasField("progress"):
                    break
            return await asyncio.gather(*(_answer(rpc, picture) for picture in pictures))


def _events(rpc: RpcClient, picture: Picture) -> AsyncGenerator[Response, None]:
    return GenerationCalls(rpc).events(previews=True, **asdict(picture))


async def _answer(rpc: RpcClient, picture: Picture) -> _Answer:
    times: list[float] = []
    async with aclosing(_events(rpc, picture)) as events:
        async for event in events:
            if not event.HasField("queued"):
                times.append(time.perf_counter())
    return _Answer(times[0], times[-1], pixels(event.generated.images[0].png))
