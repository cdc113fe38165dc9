"""vision-models as a process of its own, for a benchmark of one family."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.mesh_processes import LOGS
from bench.servers import READY_S, Server
from facetkit.client import RpcClient
from tests.ports import free_ports

HOST = "127.0.0.1"


class VisionServer(Server):
    """`python -m vision_models` that serves one family with one thread, for gRPC `service`."""

    def __init__(self, family: str, service: str, variables: dict[str, str]) -> None:
        port, metrics_port = free_ports(2)
        self._target, self._service = f"{HOST}:{port}", service
        own = {
            "PORT": str(port),
            "METRICS_PORT": str(metrics_port),
            "FACET_MODELS": "full",
            "VISION_FAMILIES": family,
            "VISION_DEVICE": "cpu",
            "VISION_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        super().__init__(
            [sys.executable, "-m", "vision_models"],
            os.environ | own | variables,
            url=f"http://{HOST}:{metrics_port}",
            ready="/metrics",
            log=LOGS / f"generation-{family}.log",
        )

    def wait_ready(self) -> None:
        """Returns once the family's model is warm. Raises RuntimeError when it never is."""
        super().wait_ready()
        asyncio.run(self._connect())

    @asynccontextmanager
    async def rpc(self) -> AsyncIterator[RpcClient]:
        """A channel of one's own to the family, which is ready."""
        rpc = RpcClient(self._target)
        try:
            await self._wait_healthy(rpc)
            yield rpc
        finally:
            await rpc.close()

    async def _connect(self) -> None:
        async with self.rpc():
            pass

    async def _wait_healthy(self, rpc: RpcClient) -> None:
        ends_at = time.monotonic() + READY_S
        while not (health := await rpc.health(self._service)).ready:
            if self._process.poll() is not None or time.monotonic() > ends_at:
                raise RuntimeError(f"{self._service} is not ready: {health.reason}")
            await asyncio.sleep(0.2)
