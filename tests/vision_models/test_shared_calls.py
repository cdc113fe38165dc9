import asyncio

import pytest

from facetkit import deadlines
from facetkit.errors import Deadline, Unprocessable
from vision_models.recent_results import RecentResults
from vision_models.shared_calls import SharedCalls


class Computation:
    """Counts its runs and ends when told."""

    def __init__(self) -> None:
        self.runs = 0
        self.cancelled = 0
        self.go = asyncio.Event()

    async def __call__(self) -> int:
        self.runs += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.runs


async def test_equal_calls_in_flight_are_computed_once() -> None:
    calls: SharedCalls[int] = SharedCalls()
    compute = Computation()
    tasks = [asyncio.create_task(calls.run("a", compute)) for _ in range(5)]
    other = asyncio.create_task(calls.run("b", compute))
    await asyncio.sleep(0.01)
    compute.go.set()
    assert await asyncio.gather(*tasks) == [2] * 5
    assert await other == 2
    assert compute.runs == 2
    assert await calls.run("a", compute) == 3


async def test_one_caller_leaving_does_not_stop_the_others() -> None:
    calls: SharedCalls[int] = SharedCalls()
    compute = Computation()
    first, second = (asyncio.create_task(calls.run("a", compute)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0.01)
    compute.go.set()
    assert await second == 1
    assert compute.cancelled == 0


async def test_the_last_caller_leaving_cancels_and_a_newcomer_starts_anew() -> None:
    calls: SharedCalls[int] = SharedCalls()
    compute = Computation()
    first = asyncio.create_task(calls.run("a", compute))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0)
    newcomer = asyncio.create_task(calls.run("a", compute))
    await asyncio.sleep(0.01)
    compute.go.set()
    assert await newcomer == 2
    assert compute.cancelled == 1


async def test_an_error_reaches_everybody() -> None:
    calls: SharedCalls[int] = SharedCalls()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise Unprocessable("broken")

    outcomes = await asyncio.gather(
        *(calls.run("a", fail) for _ in range(3)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [Unprocessable] * 3


async def test_the_deadline_of_the_first_is_not_that_of_the_second() -> None:
    calls: SharedCalls[str] = SharedCalls()
    started = asyncio.Event()

    async def compute() -> str:
        started.set()
        while (left := deadlines.remaining_s()) is not None and left > 0 and left < 5:
            await asyncio.sleep(0.01)
        deadlines.check()
        return "done"

    async def first() -> str:
        async with deadlines.within(0.1):
            return await calls.run("a", compute)

    hasty = asyncio.create_task(first())
    await started.wait()
    async with deadlines.within(30):
        assert await calls.run("a", compute) == "done"
    with pytest.raises(Deadline):
        await hasty


def test_recent_results_forget_the_least_recently_used() -> None:
    recent: RecentResults[int] = RecentResults(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert [recent.get(key) for key in "abc"] == [1, None, 3]


def test_no_room_keeps_nothing() -> None:
    recent: RecentResults[int] = RecentResults(0)
    recent.put("a", 1)
    assert recent.get("a") is None
