import asyncio

import pytest

from facetkit.errors import Overloaded
from vision_models.admission import Admission
from vision_models.domain import Lane


async def enter(admission: Admission, lane: Lane, leave: asyncio.Event) -> None:
    async with admission.admitted(lane):
        await leave.wait()


async def test_interactive_calls_over_the_bound_are_refused_at_once() -> None:
    admission, leave = Admission(4), asyncio.Event()
    calls = [asyncio.create_task(enter(admission, Lane.INTERACTIVE, leave)) for _ in range(7)]
    done, inside = await asyncio.wait(calls, return_when=asyncio.FIRST_EXCEPTION)
    refused = [call.exception() for call in done]
    assert len(refused) == 3
    assert all(isinstance(error, Overloaded) and error.retry_after_s for error in refused)
    leave.set()
    await asyncio.gather(*inside)
    async with admission.admitted(Lane.INTERACTIVE):
        pass


async def test_bulk_takes_half_and_waits_for_the_rest() -> None:
    admission, leave = Admission(4), asyncio.Event()
    bulk = [asyncio.create_task(enter(admission, Lane.BULK, leave)) for _ in range(5)]
    await asyncio.sleep(0.01)
    async with admission.admitted(Lane.INTERACTIVE), admission.admitted(Lane.INTERACTIVE):
        with pytest.raises(Overloaded):
            async with admission.admitted(Lane.INTERACTIVE):
                pass
    assert not any(call.done() for call in bulk)
    leave.set()
    await asyncio.gather(*bulk)


async def test_bulk_waits_while_interactive_fills_the_queue() -> None:
    admission, leave, go = Admission(2), asyncio.Event(), asyncio.Event()
    calls = [asyncio.create_task(enter(admission, Lane.INTERACTIVE, leave)) for _ in range(2)]
    await asyncio.sleep(0)
    go.set()
    bulk = asyncio.create_task(enter(admission, Lane.BULK, go))
    await asyncio.sleep(0.01)
    assert not bulk.done()
    leave.set()
    await asyncio.gather(*calls, bulk)


async def test_a_waiting_bulk_call_that_is_cancelled_takes_no_place() -> None:
    admission, leave = Admission(2), asyncio.Event()
    first = asyncio.create_task(enter(admission, Lane.BULK, leave))
    await asyncio.sleep(0)
    second = asyncio.create_task(enter(admission, Lane.BULK, leave))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    leave.set()
    await first
    async with admission.admitted(Lane.BULK):
        pass


async def refused(admission: Admission) -> Overloaded:
    """What a call over the bound is told."""
    with pytest.raises(Overloaded) as raised:
        async with admission.admitted(Lane.INTERACTIVE):
            pass
    return raised.value


async def fill(admission: Admission, size: int, seconds: float) -> "list[asyncio.Task[None]]":
    """So many calls that leave together after `seconds`."""
    leave = asyncio.Event()
    calls = [asyncio.create_task(enter(admission, Lane.INTERACTIVE, leave)) for _ in range(size)]
    asyncio.get_running_loop().call_later(seconds, leave.set)
    await asyncio.sleep(0)
    return calls


async def test_those_who_leave_together_are_not_waited_for_one_by_one() -> None:
    admission, size = Admission(40), 40
    for _ in range(3):
        calls = await fill(admission, size, 0.5)
        error = await refused(admission)
        await asyncio.gather(*calls)
    assert error.retry_after_s is not None
    # Each stayed for half a second: forty times that is not what the next one has to wait.
    assert 1 <= error.retry_after_s < size * 0.5 / 4
