"""Many small works at once, but never more than some."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import TypeVar

Item = TypeVar("Item")


async def for_each(
    items: AsyncIterable[Item], work: Callable[[Item], Awaitable[None]], at_once: int
) -> None:
    """Does the work for every item, as it comes, `at_once` of them at a time.

    The first error cancels the others and is raised.
    """
    waiting: asyncio.Queue[Item | None] = asyncio.Queue(at_once)

    async def worker() -> None:
        while (item := await waiting.get()) is not None:
            await work(item)

    async def feeder() -> None:
        async for item in items:
            await waiting.put(item)
        for _ in range(at_once):
            await waiting.put(None)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(feeder())
            for _ in range(at_once):
                group.create_task(worker())
    except BaseExceptionGroup as errors:
        raise _first(errors) from None


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
