import asyncio

import pytest

from facetkit.errors import NotReady
from gateway.vision.side_by_side import all_of, both_of


class Stuck:
    """A call that never answers, and notes that it was cancelled."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def call(self) -> str:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return "unreachable"

    async def fail(self) -> int:
        """Fails once the call is under way."""
        await self.entered.wait()
        raise NotReady("loading")


async def answer(value: int, turns: int) -> int:
    for _ in range(turns):
        await asyncio.sleep(0)
    return value


async def test_answers_come_in_order() -> None:
    assert await all_of(answer(value, turns=5 - value) for value in range(5)) == [0, 1, 2, 3, 4]
    assert await both_of(answer(1, turns=3), answer(2, turns=0)) == (1, 2)
    assert await all_of([]) == []


async def test_the_first_error_cancels_the_others() -> None:
    stuck = Stuck()
    with pytest.raises(NotReady):
        await both_of(stuck.call(), stuck.fail())
    await stuck.cancelled.wait()
    many = [Stuck() for _ in range(3)]
    with pytest.raises(NotReady):
        await all_of([*(one.call() for one in many), many[2].fail()])
    for one in many:
        await one.cancelled.wait()


async def test_whoever_is_cancelled_cancels_all_calls() -> None:
    stuck = Stuck(), Stuck()
    waiting = asyncio.create_task(both_of(stuck[0].call(), stuck[1].call()))
    for one in stuck:
        await one.entered.wait()
    waiting.cancel()
    for one in stuck:
        await one.cancelled.wait()
    with pytest.raises(asyncio.CancelledError):
        await waiting
