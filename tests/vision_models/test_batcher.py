import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from facetkit import deadlines
from facetkit.errors import Deadline, NotReady
from vision_models.batcher import Batcher
from vision_models.domain import Lane


class Work:
    """Doubles numbers; records batches; can be held; refuses the number 13."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.gate.set()

    def __call__(self, items: list[Any]) -> list[int]:
        self.batches.append(list(items))
        self.entered.set()
        self.gate.wait(30)
        if 13 in items:
            raise ValueError("thirteen")
        return [2 * item for item in items]

    async def until_entered(self) -> None:
        await asyncio.to_thread(self.entered.wait, 30)


@pytest.fixture
async def batcher() -> AsyncIterator[Batcher]:
    made = Batcher(max_batch=4, hang_s=60)
    yield made
    await made.close()


@pytest.fixture
def work() -> Work:
    return Work()


async def hold(batcher: Batcher, work: Work) -> "asyncio.Task[Any]":
    """Keeps the worker busy with the item 0 until the gate opens."""
    work.gate.clear()
    task = asyncio.create_task(batcher.submit(work, 0, Lane.INTERACTIVE))
    await work.until_entered()
    return task


def submit(batcher: Batcher, work: Work, item: int, lane: Lane) -> "asyncio.Task[Any]":
    return asyncio.create_task(batcher.submit(work, item, lane))


async def test_an_idle_worker_does_not_wait_for_company(batcher: Batcher, work: Work) -> None:
    assert await batcher.submit(work, 3, Lane.INTERACTIVE) == 6
    assert work.batches == [[3]]


async def test_what_arrives_while_busy_is_computed_together(batcher: Batcher, work: Work) -> None:
    first = await hold(batcher, work)
    others = [submit(batcher, work, item, Lane.INTERACTIVE) for item in range(1, 7)]
    await asyncio.sleep(0)
    work.gate.set()
    assert await asyncio.gather(first, *others) == [0, 2, 4, 6, 8, 10, 12]
    assert work.batches == [[0], [1, 2, 3, 4], [5, 6]]


async def test_bulk_makes_no_interactive_batch_longer(batcher: Batcher, work: Work) -> None:
    # A first bulk batch, so that the next one is not yet due.
    await batcher.submit(work, 100, Lane.BULK)
    work.entered.clear()
    first = await hold(batcher, work)
    bulk = [submit(batcher, work, item, Lane.BULK) for item in range(10, 13)]
    interactive = [submit(batcher, work, item, Lane.INTERACTIVE) for item in range(1, 4)]
    await asyncio.sleep(0)
    work.gate.set()
    await asyncio.gather(first, *bulk, *interactive)
    assert work.batches[2:] == [[1, 2, 3], [10, 11, 12]]


async def test_bulk_leads_a_batch_when_it_has_waited_a_second(batcher: Batcher, work: Work) -> None:
    first = await hold(batcher, work)
    interactive = [submit(batcher, work, item, Lane.INTERACTIVE) for item in range(1, 9)]
    bulk = submit(batcher, work, 20, Lane.BULK)
    await asyncio.sleep(0)
    work.gate.set()
    await asyncio.gather(first, *interactive, bulk)
    assert work.batches[1] == [20, 1, 2, 3]


async def test_different_work_is_not_mixed(batcher: Batcher, work: Work) -> None:
    other = Work()
    first = await hold(batcher, work)
    tasks = [submit(batcher, each, 1, Lane.INTERACTIVE) for each in (work, other, work, other)]
    await asyncio.sleep(0)
    work.gate.set()
    await asyncio.gather(first, *tasks)
    assert work.batches == [[0], [1, 1]]
    assert other.batches == [[1, 1]]


async def test_one_bad_item_does_not_hurt_the_others(batcher: Batcher, work: Work) -> None:
    first = await hold(batcher, work)
    tasks = [submit(batcher, work, item, Lane.INTERACTIVE) for item in (1, 13, 3)]
    await asyncio.sleep(0)
    work.gate.set()
    await first
    one, bad, three = await asyncio.gather(*tasks, return_exceptions=True)
    assert (one, three) == (2, 6)
    assert isinstance(bad, ValueError)
    assert await batcher.submit(work, 5, Lane.INTERACTIVE) == 10


async def test_an_expired_item_never_reaches_the_worker(batcher: Batcher, work: Work) -> None:
    first = await hold(batcher, work)

    async def short() -> None:
        async with deadlines.within(0.05):
            await batcher.submit(work, 1, Lane.INTERACTIVE)

    with pytest.raises(Deadline):
        await short()
    work.gate.set()
    await first
    await batcher.submit(work, 2, Lane.INTERACTIVE)
    assert work.batches == [[0], [2]]


async def test_a_caller_that_leaves_is_taken_out(batcher: Batcher, work: Work) -> None:
    first = await hold(batcher, work)
    gone = submit(batcher, work, 1, Lane.INTERACTIVE)
    stays = submit(batcher, work, 2, Lane.INTERACTIVE)
    await asyncio.sleep(0)
    gone.cancel()
    work.gate.set()
    assert (await first, await stays) == (0, 4)
    assert work.batches == [[0], [2]]


async def until_hung(batcher: Batcher) -> None:
    while not batcher.hung:
        await asyncio.sleep(0.01)


async def test_a_hung_worker_is_seen_and_refuses(work: Work) -> None:
    batcher = Batcher(max_batch=4, hang_s=0.05)
    first = await hold(batcher, work)
    await until_hung(batcher)
    with pytest.raises(NotReady, match="hangs") as refused:
        await batcher.submit(work, 1, Lane.INTERACTIVE)
    assert refused.value.retry_after_s == 5
    work.gate.set()
    assert await first == 0
    assert not batcher.hung
    await batcher.close()


async def test_whoever_waited_for_a_long_bulk_batch_comes_next(
    batcher: Batcher, work: Work
) -> None:
    work.gate.clear()
    first = submit(batcher, work, 100, Lane.BULK)
    await work.until_entered()
    bulk = [submit(batcher, work, item, Lane.BULK) for item in range(101, 109)]
    asked = submit(batcher, work, 1, Lane.INTERACTIVE)
    await asyncio.sleep(1.1)
    work.gate.set()
    await asyncio.gather(first, asked, *bulk)
    assert work.batches[1:3] == [[1], [101, 102, 103, 104]]


async def test_only_items_that_are_alike_share_a_batch(batcher: Batcher, work: Work) -> None:
    first = await hold(batcher, work)
    submitted = [
        asyncio.create_task(batcher.submit(work, item, Lane.INTERACTIVE, alike))
        for item, alike in ((1, "wide"), (2, "tall"), (3, "wide"))
    ]
    await asyncio.sleep(0)
    work.gate.set()
    await asyncio.gather(first, *submitted)
    assert work.batches == [[0], [1, 3], [2]]


async def test_whoever_watches_is_told_how_many_come_before(batcher: Batcher, work: Work) -> None:
    first = await hold(batcher, work)
    told: dict[int, list[int]] = {item: [] for item in range(1, 7)}
    submitted = [
        asyncio.create_task(batcher.submit(work, item, Lane.INTERACTIVE, watch=told[item].append))
        for item in told
    ]
    await asyncio.sleep(0)
    work.gate.set()
    await asyncio.gather(first, *submitted)
    assert [told[item][0] for item in told] == [1, 2, 3, 4, 5, 6]
    assert told[5] == [5, 4]


async def test_a_failed_batch_is_not_computed_again_for_those_who_left(
    batcher: Batcher, work: Work
) -> None:
    first = await hold(batcher, work)
    tasks = [submit(batcher, work, item, Lane.INTERACTIVE) for item in (1, 13, 3)]
    await asyncio.sleep(0)
    work.entered.clear()
    work.gate.set()
    await first
    work.gate.clear()
    await work.until_entered()
    tasks[0].cancel()
    await asyncio.sleep(0)
    work.gate.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert work.batches in ([[0], [1, 13, 3], [13], [3]], [[0], [1, 13, 3], [1], [13], [3]])


async def test_a_batch_that_advances_does_not_hang(work: Work) -> None:
    batcher = Batcher(max_batch=4, hang_s=1.5)
    batcher.advance()
    first = await hold(batcher, work)
    for _ in range(4):
        await asyncio.sleep(0.5)
        batcher.advance()
        assert not batcher.hung
    await until_hung(batcher)
    work.gate.set()
    await first
    await batcher.close()
