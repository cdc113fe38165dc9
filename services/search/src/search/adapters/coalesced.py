"""Queries that arrive while others are answered are answered together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from facetkit.errors import Unavailable

Key = TypeVar("Key", bound=Hashable)
Query = TypeVar("Query")
Answer = TypeVar("Answer")

MAX_BATCH = 64


class Coalesced(Generic[Key, Query, Answer]):
    """Lets `answer` have queries of equal key in batches, at most `lanes` batches at a time.

    Nobody waits for company: a query goes at once while a lane is free. What `answer` raises
    reaches the callers of that batch. Keys take turns.
    """

    def __init__(
        self, answer: Callable[[Key, Sequence[Query]], Awaitable[Sequence[Answer]]], lanes: int = 1
    ) -> None:
        self._answer = answer
        self._free_lanes = lanes
        self._waiting: dict[Key, deque[tuple[Query, asyncio.Future[Answer]]]] = {}
        self._asked: set[asyncio.Future[Answer]] = set()
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    async def ask(self, key: Key, query: Query) -> Answer:
        """The answer to one query. Raises Unavailable once closed."""
        if self._closed:
            raise Unavailable("the vector store is closing")
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked.add(future)
        self._waiting.setdefault(key, deque()).append((query, future))
        if self._free_lanes:
            self._free_lanes -= 1
            # In a context of its own: a batch is not its first caller's request.
            task = asyncio.create_task(self._run(), context=Context())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        try:
            return await future
        finally:
            self._asked.discard(future)

    async def close(self) -> None:
        """Ends all lanes."""
        self._closed = True
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for future in self._asked:
            if not future.done():
                future.set_exception(Unavailable("the vector store is closing"))

    async def _run(self) -> None:
        try:
            while self._waiting:
                key, batch = self._next()
                if batch:
                    await self._answer_all(key, batch)
        finally:
            self._free_lanes += 1

    def _next(self) -> tuple[Key, list[tuple[Query, asyncio.Future[Answer]]]]:
        """The batch whose turn it is, without callers that have left."""
        key = next(iter(self._waiting))
        queue = self._waiting.pop(key)
        batch: list[tuple[Query, asyncio.Future[Answer]]] = []
        while queue and len(batch) < MAX_BATCH:
            query, future = queue.popleft()
            if not future.done():
                batch.append((query, future))
        if queue:
            self._waiting[key] = queue
        return key, batch

    async def _answer_all(
        self, key: Key, batch: Sequence[tuple[Query, asyncio.Future[Answer]]]
    ) -> None:
        futures = [future for _, future in batch]
        try:
            answers = await self._answer(key, [query for query, _ in batch])
        except Exception as error:
            for future in futures:
                if not future.done():
                    future.set_exception(error)
            return
        for future, answer in zip(futures, answers, strict=True):
            if not future.done():
                future.set_result(answer)
