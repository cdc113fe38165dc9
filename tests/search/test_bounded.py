import asyncio
from collections.abc import AsyncIterator

import pytest

from search.sync.bounded import for_each


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


async def test_every_item_is_worked_on_once() -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)

    await for_each(numbers(100), work, 7)
    assert sorted(done) == list(range(100))


async def test_so_many_are_at_work_at_once_and_no_more() -> None:
    at_work, most = 0, 0

    async def work(number: int) -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.001)
        at_work -= 1

    await for_each(numbers(40), work, 5)
    assert most == 5


async def test_items_are_taken_only_as_they_are_worked_on() -> None:
    taken = 0
    gate = asyncio.Event()

    async def endless() -> AsyncIterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    async def work(number: int) -> None:
        await gate.wait()

    running = asyncio.create_task(for_each(endless(), work, 3))
    for _ in range(100):
        await asyncio.sleep(0)
    # At work, in the queue, and on its way there.
    assert taken == 3 + 3 + 1
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_the_first_error_ends_all_and_is_raised_itself() -> None:
    left: list[int] = []

    async def work(number: int) -> None:
        if number == 3:
            raise ValueError("the third")
        try:
            await asyncio.sleep(60)
        finally:
            left.append(number)

    with pytest.raises(ValueError, match="the third"):
        await for_each(numbers(100), work, 4)
    assert sorted(left) == [0, 1, 2]


async def test_an_error_of_the_items_is_raised_too() -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise ValueError("no more")

    async def work(number: int) -> None:
        await asyncio.sleep(60)

    with pytest.raises(ValueError, match="no more"):
        await for_each(broken(), work, 2)


async def test_nothing_to_do_is_done_at_once() -> None:
    async def work(number: int) -> None:
        raise AssertionError("there is nothing")

    await for_each(numbers(0), work, 4)
