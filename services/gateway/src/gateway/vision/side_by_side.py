"""Calls side by side: the first error ends them all."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar

First = TypeVar("First")
Second = TypeVar("Second")


async def all_of(calls: Iterable[Awaitable[First]]) -> list[First]:
    """What the calls answer, in order."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    await _finished(tasks)
    return [task.result() for task in tasks]


async def both_of(first: Awaitable[First], second: Awaitable[Second]) -> tuple[First, Second]:
    """What the two calls answer."""
    tasks = asyncio.ensure_future(first), asyncio.ensure_future(second)
    await _finished(tasks)
    return tasks[0].result(), tasks[1].result()


async def _finished(tasks: Iterable["asyncio.Future[Any]"]) -> None:
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
