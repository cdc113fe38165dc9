"""Prompts for parts of an image: the first, which encodes it, and further ones."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench import photographs
from bench.generation_server import VisionServer
from bench.load import Cost
from facet.vision.v1 import segmentation_pb2, segmentation_pb2_grpc

SERVICE_NAME = "facet.vision.v1.SegmentationService"
FURTHER = 3
CALL_S = 300


@dataclass(frozen=True, slots=True)
class Prompted:
    """What the first prompt for an image cost, and what each further one did."""

    first: Cost
    further: Sequence[Cost]


class SamPrompts:
    """SegmentPrompt of `server`."""

    def __init__(self, server: VisionServer) -> None:
        self._server = server

    def round(self, images: Sequence[bytes]) -> list[Prompted]:
        """1 + FURTHER prompts for each, images in turn.

        Raises RuntimeError where an encoding is at hand that should not be, or the reverse.
        """
        turns = [[self._ask(image, turn) for image in images] for turn in range(1 + FURTHER)]
        return [Prompted(costs[0], costs[1:]) for costs in zip(*turns, strict=True)]

    def _ask(self, image: bytes, turn: int) -> Cost:
        # Another point each time.
        x = photographs.WIDTH * (turn + 1) / (FURTHER + 2)
        point = segmentation_pb2.Point(x=x, y=photographs.HEIGHT / 2)
        request = segmentation_pb2.SegmentPromptRequest(image=image, points=[point])
        return asyncio.run(self._segment(request, reused=turn > 0))

    async def _segment(
        self, request: segmentation_pb2.SegmentPromptRequest, *, reused: bool
    ) -> Cost:
        async with self._server.rpc() as rpc:
            stub = segmentation_pb2_grpc.SegmentationServiceStub(rpc.channel)
            cpu_s, started = self._server.cpu_s(), time.perf_counter()
            answer = await rpc.call(stub.SegmentPrompt, request, timeout_s=CALL_S)
            wall_s = time.perf_counter() - started
            cpu_s = self._server.cpu_s() - cpu_s
        if answer.encoding_reused != reused:
            raise RuntimeError(f"encoding_reused is {answer.encoding_reused}, not {reused}")
        return Cost(cpu_s * 1000, wall_s * 1000)
