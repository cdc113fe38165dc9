"""vision-models as a process of its own, without a supervisor, and a caller of its captions."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from facet.vision.v1 import caption_pb2, caption_pb2_grpc
from facetkit.client import MAX_LARGE_MESSAGE_BYTES, RpcClient
from facetkit.health import Health
from tests.ports import free_port

SERVICE_NAME = "facet.vision.v1.CaptionService"
CALL_S = 120


class CaptionCalls:
    """The Caption family at the other end of `rpc`."""

    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc
        self._stub = caption_pb2_grpc.CaptionServiceStub(rpc.channel)

    async def caption(
        self, image: bytes, model: str = "blip", prompt: str = ""
    ) -> caption_pb2.CaptionImageResponse:
        """One image in words. Raises the FacetError that was raised there."""
        request = caption_pb2.CaptionImageRequest(image=image, model=model, caption_prompt=prompt)
        return await self._rpc.call(self._stub.CaptionImage, request, timeout_s=CALL_S)

    async def models(self) -> dict[str, caption_pb2.CaptionModel]:
        """Every captioner by its key."""
        request = caption_pb2.ListCaptionModelsRequest()
        answer = await self._rpc.call(self._stub.ListCaptionModels, request, timeout_s=CALL_S)
        return {model.key: model for model in answer.models}

    async def loaded(self) -> list[str]:
        """The keys of the models that are in memory, or on their way there."""
        states = (caption_pb2.CaptionModel.STATE_LOADING, caption_pb2.CaptionModel.STATE_LOADED)
        return [key for key, model in (await self.models()).items() if model.state in states]

    async def reset(self) -> int:
        """Empties the cache; how many captions there were."""
        request = caption_pb2.ResetCaptionCacheRequest()
        answer = await self._rpc.call(self._stub.ResetCaptionCache, request, timeout_s=CALL_S)
        return answer.deleted

    async def health(self) -> Health:
        """Whether the family is ready."""
        return await self._rpc.health(SERVICE_NAME)


class VisionProcess:
    """`python -m vision_models`; random models in `models_dir`, which others may use as well."""

    def __init__(self, folder: Path, models_dir: Path, **variables: str) -> None:
        self._folder = folder
        self._port = free_port()
        self._variables = {"VISION_FAMILIES": "caption", "FACET_DATA_DIR": str(folder)} | variables
        self._running: psutil.Popen | None = None
        for made in (folder, models_dir):
            made.mkdir(parents=True, exist_ok=True)
        (folder / "models").symlink_to(models_dir)

    def start(self) -> "VisionProcess":
        """Starts it; `calls` waits until it is ready."""
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        settings = {"PORT": str(self._port), "OMP_NUM_THREADS": "1"} | self._variables
        with (self._folder / "vision.log").open("ab") as output:
            self._running = psutil.Popen(
                [sys.executable, "-m", "vision_models"],
                # A developer's .env must not change what is tested.
                cwd=self._folder,
                env=inherited | settings,
                stdout=output,
                stderr=output,
            )
        return self

    def stop(self) -> None:
        """Asks it to end; kills it where it does not."""
        if self._running is None:
            return
        self._running.terminate()
        try:
            self._running.wait(30)
        except psutil.TimeoutExpired:
            self._running.kill()
            self._running.wait(30)
        self._running = None

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return (self._folder / "vision.log").read_text()

    @property
    def resident_bytes(self) -> int:
        """Its memory."""
        assert self._running is not None
        resident: int = self._running.memory_info().rss
        return resident

    @asynccontextmanager
    async def calls(self) -> AsyncIterator[CaptionCalls]:
        """Its captions, once they are ready, which they must be within minutes."""
        async with self.rpc(SERVICE_NAME) as rpc:
            yield CaptionCalls(rpc)

    @asynccontextmanager
    async def rpc(self, service: str = "") -> AsyncIterator[RpcClient]:
        """A channel to it, once `service` is ready (none: once the process answers)."""
        rpc = RpcClient(f"127.0.0.1:{self._port}", max_message_bytes=MAX_LARGE_MESSAGE_BYTES)
        try:
            await self._ready(rpc, service)
            yield rpc
        finally:
            await rpc.close()

    async def _ready(self, rpc: RpcClient, service: str) -> None:
        for _ in range(1800):
            assert self._running is not None
            assert self._running.poll() is None, self.log
            if (await rpc.health(service)).ready:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"never ready: {self.log}")
