import asyncio
import threading
from collections.abc import Iterator

import pytest

from facetkit import deadlines
from facetkit.errors import Deadline, Overloaded
from gateway.vision.analysis_threads import MAX_ANALYSES, THREADS, AnalysisThreads


@pytest.fixture
def threads() -> Iterator[AnalysisThreads]:
    made = AnalysisThreads()
    yield made
    made.close()


async def test_work_is_done_away_from_the_event_loop(threads: AnalysisThreads) -> None:
    name = await threads.run(lambda: threading.current_thread().name)
    assert name.startswith("analysis")
    assert await threads.run(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await threads.run(divmod, 7, 0)


async def test_so_much_is_done_at_once_and_no_more(threads: AnalysisThreads) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def work() -> None:
        begun.release()
        go_on.wait()

    running = [asyncio.create_task(threads.run(work)) for _ in range(THREADS + 1)]
    for _ in range(THREADS):
        while not begun.acquire(blocking=False):
            await asyncio.sleep(0)
    for _ in range(100):
        await asyncio.sleep(0)
    assert not begun.acquire(blocking=False)
    go_on.set()
    await asyncio.gather(*running)
    assert begun.acquire(blocking=False)


async def test_nothing_is_begun_once_time_is_used_up(threads: AnalysisThreads) -> None:
    done: list[int] = []
    with pytest.raises(Deadline):
        async with deadlines.within(0):
            await threads.run(done.append, 1)
    assert not done


async def test_places_are_counted_and_given_back(threads: AnalysisThreads) -> None:
    held = [threads.admitted() for _ in range(MAX_ANALYSES)]
    for place in held:
        place.__enter__()
    with pytest.raises(Overloaded) as caught, threads.admitted():
        pass
    assert caught.value.retry_after_s
    held[0].__exit__(None, None, None)
    with threads.admitted():
        pass
    with pytest.raises(ZeroDivisionError), threads.admitted():
        divmod(1, 0)
    with threads.admitted():
        pass


async def test_closed_threads_take_no_work(threads: AnalysisThreads) -> None:
    threads.close()
    with pytest.raises(RuntimeError):
        await threads.run(int)
