"""Writes to one collection of Milvus, as Milvus Lite needs them."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import structlog

from facetkit.errors import Unavailable
from search.accepted import accepted
from search.adapters.milvus_calls import MilvusCalls
from search.adapters.milvus_rows import index, schema

log = structlog.get_logger(__name__)

LITE_WRITE_TIMEOUT_S = 20.0
"""Long enough for a frozen Lite to be killed first: a write given up on may still go on in it,
and the next one must not run beside it."""


class MilvusWrites:
    """Lets writes go one at a time, and seals them, where `lite_flush_s` is given.

    Lite's log keeps what was acknowledged through a kill only if writes and flushes come one at a
    time, which `writing` sees to for all collections of one Lite; and it replays unsealed rows
    slowly, so that they are sealed that many seconds after a write. Servers need neither (None).
    """

    def __init__(
        self,
        calls: MilvusCalls,
        timeout_s: float,
        lite_flush_s: float | None,
        writing: AbstractAsyncContextManager[Any] | None,
    ) -> None:
        self._calls = calls
        self._timeout_s = LITE_WRITE_TIMEOUT_S if lite_flush_s else timeout_s
        self._lite_flush_s = lite_flush_s
        self._writing = writing or (asyncio.Lock() if lite_flush_s else nullcontext())
        self._sealing: asyncio.Task[None] | None = None
        self._collection = ""

    async def open(self, collection: str, dimensions: int) -> None:
        """Makes the collection where it is missing, and loads it."""
        self._collection = collection
        await accepted(self._make(dimensions))
        await self._calls.call("load_collection", collection)
        await self.seal()

    async def write(self, method: str, **arguments: Any) -> None:
        """Calls a method that writes; returns when that is durable."""
        await accepted(self._in_turn(method, **arguments))
        if self._lite_flush_s and (self._sealing is None or self._sealing.done()):
            self._sealing = asyncio.create_task(self._seal_after(self._lite_flush_s))

    async def seal(self) -> None:
        """Seals what was written, where that is to be done here."""
        if self._lite_flush_s:
            await accepted(self._in_turn("flush"))

    async def close(self) -> None:
        """Leaves the rest unsealed; it is replayed from the log."""
        if self._sealing is not None:
            self._sealing.cancel()
            await asyncio.gather(self._sealing, return_exceptions=True)

    async def _make(self, dimensions: int) -> None:
        async with self._writing:
            if not await self._calls.call("has_collection", self._collection):
                await self._calls.call(
                    "create_collection",
                    self._collection,
                    schema=schema(dimensions),
                    index_params=index(),
                    consistency_level="Session",
                )

    async def _in_turn(self, method: str, **arguments: Any) -> None:
        # Never cancelled: Milvus would go on with the call, and the next one run beside it.
        async with self._writing:
            await self._calls.call_loaded(
                method, self._collection, timeout=self._timeout_s, **arguments
            )

    async def _seal_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        try:
            await self.seal()
        except Unavailable:
            log.info("flush left to the next write")
