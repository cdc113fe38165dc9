import asyncio
import random
import threading
from collections import Counter

import pytest

from facetkit import deadlines
from facetkit.errors import Deadline, NotReady
from vision_models.places import ModelState
from vision_models.pool import ModelPool

NAMES = ("blip", "blip2", "gemma", "intern_vlm")


class Thing:
    """A model that knows whether it is in memory."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.unloaded = False


class Memory:
    """Loads and unloads things, and counts how many there ever were at once."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.present: set[Thing] = set()
        self.most = 0
        self.broken: dict[str, Exception] = {}
        self.gate = threading.Event()
        self.gate.set()

    def load(self, name: str) -> Thing:
        self.gate.wait(30)
        if name in self.broken:
            raise self.broken[name]
        thing = Thing(name)
        self.loaded.append(name)
        self.present.add(thing)
        self.most = max(self.most, len(self.present))
        return thing

    async def unload(self, thing: Thing) -> None:
        await asyncio.sleep(0)
        thing.unloaded = True
        self.present.remove(thing)


@pytest.fixture
def memory() -> Memory:
    return Memory()


async def use(pool: ModelPool[Thing], name: str, seconds: float = 0.0) -> None:
    async with pool.lease(name) as thing:
        assert thing.name == name
        assert not thing.unloaded
        await asyncio.sleep(seconds)
        assert not thing.unloaded


async def test_many_who_wait_for_a_model_load_it_once(memory: Memory) -> None:
    pool = ModelPool(memory.load, memory.unload, capacity=1)
    await asyncio.gather(*(use(pool, "blip") for _ in range(20)))
    await use(pool, "blip")
    assert memory.loaded == ["blip"]
    await pool.close()


async def test_the_least_recently_used_model_goes_first(memory: Memory) -> None:
    pool = ModelPool(memory.load, memory.unload, capacity=2)
    for name in ("blip", "gemma", "blip", "blip2"):
        await use(pool, name)
    states = {name: pool.state(name) for name in NAMES}
    assert states["gemma"] is states["intern_vlm"] is ModelState.UNLOADED
    assert states["blip"] is states["blip2"] is ModelState.LOADED
    assert memory.most == 2
    await pool.close()


async def test_a_model_in_use_is_waited_for(memory: Memory) -> None:
    pool = ModelPool(memory.load, memory.unload, capacity=1)
    async with pool.lease("blip") as blip:
        other = asyncio.create_task(use(pool, "gemma"))
        await asyncio.sleep(0.02)
        assert memory.present == {blip}
        assert not other.done()
    await other
    assert blip not in memory.present
    await pool.close()


async def test_callers_of_a_busy_model_starve_nobody(memory: Memory) -> None:
    pool = ModelPool(memory.load, memory.unload, capacity=1)
    ended = asyncio.Event()

    async def keep_asking() -> None:
        while not ended.is_set():
            await use(pool, "blip", 0.001)

    busy = [asyncio.create_task(keep_asking()) for _ in range(4)]
    await asyncio.sleep(0.02)
    await use(pool, "gemma")
    ended.set()
    await asyncio.gather(*busy)
    assert memory.most == 1
    await pool.close()


@pytest.mark.parametrize("capacity", [1, 2, 3])
async def test_four_models_under_many_callers(memory: Memory, capacity: int) -> None:
    pool = ModelPool(memory.load, memory.unload, capacity=capacity)
    choice = random.Random(capacity)
    asked: Counter[str] = Counter()

    async def caller() -> None:
        for _ in range(25):
            name = choice.choice(NAMES)
            await use(pool, name, choice.choice((0, 0.001)))
            asked[name] += 1

    await asyncio.gather(*(caller() for _ in range(8)))
    assert asked.total() == 200
    assert memory.most <= capacity
    await pool.close()


async def test_callers_that_leave_leave_nothing_behind(memory: Memory) -> None:
    pool = ModelPool(memory.load, memory.unload, capacity=1)
    choice = random.Random(1)
    calls = [asyncio.create_task(use(pool, choice.choice(NAMES), 0.002)) for _ in range(60)]
    for call in choice.sample(calls, 40):
        await asyncio.sleep(choice.choice((0, 0.001)))
        call.cancel()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert all(
        outcome is None or isinstance(outcome, asyncio.CancelledError) for outcome in outcomes
    )
    for name in NAMES:
        await use(pool, name)
    assert memory.most == 1
    await pool.close()


async def test_a_caller_waits_no_longer_than_its_deadline(memory: Memory) -> None:
    pool = ModelPool(memory.load, memory.unload, capacity=1)
    memory.gate.clear()
    with pytest.raises(Deadline):
        async with deadlines.within(0.05):
            await use(pool, "blip")
    memory.gate.set()
    await use(pool, "gemma")
    await pool.close()


async def test_a_model_that_cannot_be_loaded_tells_why_and_the_others_serve(
    memory: Memory,
) -> None:
    pool = ModelPool(memory.load, memory.unload, capacity=1)
    memory.broken = {"gemma": NotReady("licence and token needed"), "blip2": OSError("secret")}
    waiting = [use(pool, "gemma") for _ in range(3)]
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == [
        "gemma is not ready: licence and token needed"
    ] * 3
    with pytest.raises(NotReady, match="cannot be loaded; see the log") as failed:
        await use(pool, "blip2")
    assert "secret" not in str(failed.value)
    assert pool.state("gemma") is pool.state("blip2") is ModelState.NOT_READY
    assert "licence" in pool.reason("gemma")
    await use(pool, "blip")
    memory.broken = {}
    with pytest.raises(NotReady) as again:
        await use(pool, "gemma")
    assert again.value.retry_after_s
    await pool.close()


async def test_a_pinned_model_stays(memory: Memory) -> None:
    pool = ModelPool(
        memory.load, memory.unload, capacity=2, pinned=["blip"], ttl_s={"blip": 0.0, "gemma": 0.0}
    )
    for name in ("blip", "gemma", "blip2", "intern_vlm"):
        await use(pool, name)
    assert memory.loaded.count("blip") == 1
    assert pool.state("blip") is ModelState.LOADED
    pool.unload_idle()
    await asyncio.sleep(0.01)
    assert pool.state("blip") is ModelState.LOADED
    await pool.close()


async def test_where_every_place_is_pinned_others_are_refused(memory: Memory) -> None:
    pool = ModelPool(memory.load, memory.unload, capacity=1, pinned=["blip"])
    with pytest.raises(NotReady, match="pinned to blip"):
        await use(pool, "gemma")
    await use(pool, "blip")
    await pool.close()


async def test_what_is_idle_for_too_long_is_unloaded(memory: Memory) -> None:
    pool = ModelPool(memory.load, memory.unload, capacity=3, ttl_s={"blip": 0.0, "gemma": 0.0})
    await use(pool, "blip2")
    await use(pool, "blip")
    async with pool.lease("gemma"):
        pool.unload_idle()
        await asyncio.sleep(0.01)
        assert pool.state("gemma") is ModelState.LOADED
    assert pool.state("blip") is ModelState.UNLOADED
    assert pool.state("blip2") is ModelState.LOADED
    await use(pool, "blip")
    assert memory.loaded.count("blip") == 2
    await pool.close()


async def test_who_waits_when_the_service_stops_is_told(memory: Memory) -> None:
    pool = ModelPool(memory.load, memory.unload, capacity=1)
    memory.gate.clear()
    waiting = asyncio.create_task(use(pool, "blip"))
    await asyncio.sleep(0.01)
    memory.gate.set()
    await pool.close()
    with pytest.raises(NotReady, match="stopping"):
        await waiting
