"""pymilvus called from asyncio."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import grpc
import structlog
from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException

from facetkit.errors import NotReady, Unavailable

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

THREADS = 8


GRPC_OPTIONS = {"grpc.keepalive_permit_without_calls": False}
"""Milvus Lite closes connections on which it is pinged while nobody asks for anything."""


class MilvusCalls:
    """One connection, used in threads; errors of Milvus and of the way to it are Unavailable."""

    def __init__(self, uri: str, token: str, timeout_s: float) -> None:
        self._uri, self._token = uri, token
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="milvus")
        self._client: Any = None

    async def connect(self) -> None:
        """Connects, unless that is done."""
        await self.in_thread(self._connect)

    async def call(self, method: str, *names: str, **arguments: Any) -> Any:
        """Calls a method of MilvusClient. Raises NotReady while not connected."""
        return await self.in_thread(self._call, method, names, arguments)

    async def call_loaded(self, method: str, collection: str, **arguments: Any) -> Any:
        """Calls a method that needs the collection loaded, and loads it where it is not."""
        return await self.in_thread(self._call_loaded, method, collection, arguments)

    async def in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Runs `work`, which speaks pymilvus."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, work, *arguments)
        except (MilvusException, grpc.RpcError) as error:
            log.warning("vector store", error=str(error)[:500])
            raise Unavailable("the vector store cannot be reached", retry_after_s=2) from error

    async def close(self) -> None:
        """Lets go of the connection."""
        if self._client is not None:
            await self.in_thread(self._client.close)
        self._threads.shutdown(wait=False)

    def _connect(self) -> None:
        if self._client is None:
            self._client = MilvusClient(
                self._uri, token=self._token, timeout=self._timeout_s, grpc_options=GRPC_OPTIONS
            )

    def _call(self, method: str, names: Sequence[str], arguments: dict[str, Any]) -> Any:
        if self._client is None:
            raise NotReady("the vector store is not open yet", retry_after_s=2)
        return getattr(self._client, method)(*names, **{"timeout": self._timeout_s, **arguments})

    def _call_loaded(self, method: str, collection: str, arguments: dict[str, Any]) -> Any:
        try:
            return self._call(method, [collection], arguments)
        except MilvusException as error:
            # A store that was restarted has the collection, but not loaded.
            if "load" not in str(error).lower():
                raise
            self._call("load_collection", [collection], {})
            return self._call(method, [collection], arguments)
