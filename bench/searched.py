"""Who is asked for the nearest rows: the floor, search through gRPC, and Milvus Lite."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.clustered_vectors import Vectors
from facet.search.v1 import search_pb2, search_pb2_grpc
from facetkit.client import RpcClient
from tests.ports import free_port

TOP_K = 10
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Floor:
    """The floor's process, asked for one search at a time."""

    def __init__(self, rows: Path, queries: Path, count: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.vector_floor", str(rows), str(queries), str(count)],
            env=os.environ | ONE_THREAD,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def ask(self, command: str) -> Any:
        """The answer to one command."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        """Ends the process."""
        self._process.terminate()
        self._process.communicate()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


class Search:
    """A search process of these rows, asked through gRPC as the gateway asks."""

    def __init__(self, rows: Path, queries: Vectors, count: int) -> None:
        port = free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.search_process", str(rows), str(count), str(port)],
            env=os.environ | ONE_THREAD,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        self.filling: dict[str, float] = json.loads(self._process.stderr.readline())
        self._client = RpcClient(f"127.0.0.1:{port}")
        self._stub: Any = search_pb2_grpc.SearchServiceStub(self._client.channel)
        self._queries = queries.tolist()

    async def nearest(self, number: int, accept: search_pb2.Filter | None = None) -> list[int]:
        """The numbers of the rows nearest to a query."""
        request = search_pb2.SearchByVectorRequest(
            vector=self._queries[number % len(self._queries)], top_k=TOP_K, filter=accept
        )
        response = await self._client.call(self._stub.SearchByVector, request)
        return [hit.item.size_bytes for hit in response.hits]

    async def ms(self, number: int, accept: search_pb2.Filter | None = None) -> float:
        """Milliseconds that one search takes."""
        began = time.perf_counter()
        await self.nearest(number, accept)
        return 1000 * (time.perf_counter() - began)

    async def per_second(self, in_flight: int, seconds: float) -> float:
        """Searches per second with so many in flight."""
        done, ends_at = 0, time.perf_counter() + seconds

        async def caller(first: int) -> None:
            nonlocal done
            number = first
            while time.perf_counter() < ends_at:
                await self.nearest(number)
                number, done = number + in_flight, done + 1

        began = time.perf_counter()
        await asyncio.gather(*(caller(first) for first in range(in_flight)))
        return done / (time.perf_counter() - began)

    async def stop(self) -> None:
        """Ends the process."""
        await self._client.close()
        self._process.terminate()
        self._process.communicate()
