"""Captioners as processes: Redis that goes, memory for one model, weights that are no good."""

import asyncio
import hashlib
import itertools
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from facet.vision.v1 import caption_pb2
from facetkit.errors import NotReady
from facetkit.health import Health
from tests.faults import captioner_folders
from tests.faults.vision_process import CALL_S, CaptionCalls, VisionProcess
from tests.mesh.running_mesh import RunningMesh
from tests.pictures import jpeg, png
from tests.ports import free_port
from tests.redis_server import RedisServer
from vision_models.models import CAPTIONERS

pytestmark = pytest.mark.slow

CLIENTS = 8
CALLS = 200
SWAPS = (10, 40)
FOREIGN_KEY = "v2:img:theirs"


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random models, made once for all processes."""
    return tmp_path_factory.mktemp("random-models")


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@dataclass
class Pair:
    """Two processes on one Redis."""

    one: CaptionCalls
    other: CaptionCalls


@pytest.fixture(scope="module")
def processes(
    tmp_path_factory: pytest.TempPathFactory, models_dir: Path, redis: RedisServer
) -> Iterator[list[VisionProcess]]:
    where = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis.port)}
    made = [
        VisionProcess(tmp_path_factory.mktemp(name), models_dir, **where).start()
        for name in ("one", "other")
    ]
    yield made
    for process in made:
        process.stop()


@pytest.fixture
async def pair(processes: list[VisionProcess], redis: RedisServer) -> AsyncIterator[Pair]:
    """Both ready, sharing, and the cache empty."""
    async with processes[0].calls() as one, processes[1].calls() as other:
        made = Pair(one, other)
        await shared_again(made, redis)
        await one.reset()
        yield made


@asynccontextmanager
async def running(folder: Path, models_dir: Path, **variables: str) -> AsyncIterator[VisionProcess]:
    """A process without a Redis."""
    nowhere = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(free_port())}
    process = VisionProcess(folder, models_dir, **nowhere, **variables)
    try:
        yield process.start()
    finally:
        await asyncio.to_thread(process.stop)


def distinct() -> bytes:
    """A picture that nobody has asked about."""
    return jpeg(random.randrange(8)) + os.urandom(8)


def keys_of(redis: RedisServer, image: bytes) -> list[bytes]:
    keys: list[bytes] = redis.command("KEYS", f"v1:img:{hashlib.sha256(image).hexdigest()}:*")
    return keys


async def stored(redis: RedisServer, image: bytes, captions: int = 1) -> bool:
    """Whether Redis has captions of the image, given a moment: nobody waits for the write."""
    for _ in range(20):
        if len(keys_of(redis, image)) == captions:
            return True
        await asyncio.sleep(0.05)
    return False


async def shared_again(pair: Pair, redis: RedisServer) -> None:
    """Returns once what one process makes is in Redis, and the other finds it there."""
    for _ in range(60):
        image = distinct()
        made = await pair.one.caption(image)
        # Never asked before, it can only be a hit by way of Redis.
        if await stored(redis, image) and (found := await pair.other.caption(image)).cached:
            assert found.caption == made.caption
            return
    raise AssertionError("the processes do not share")


async def test_what_one_process_has_made_is_a_hit_at_the_other(
    pair: Pair, redis: RedisServer
) -> None:
    image = distinct()
    made = {model: await pair.one.caption(image, model) for model in ("blip", "intern_vlm")}
    assert await stored(redis, image, captions=len(made))
    before = await pair.other.models()
    assert before["intern_vlm"].state == caption_pb2.CaptionModel.STATE_UNLOADED
    for model, first in made.items():
        assert not first.cached
        again = await pair.other.caption(image, model)
        assert again.cached
        assert (again.caption, again.tags) == (first.caption, first.tags)
        assert again.model == first.model
    after = await pair.other.models()
    assert after["intern_vlm"].state == caption_pb2.CaptionModel.STATE_UNLOADED
    others = [
        await pair.other.caption(image, prompt="a ring"),
        await pair.other.caption(distinct()),
    ]
    assert not any(each.cached for each in others)
    print("2 hits of 2 at the other process, intern_vlm stayed unloaded there")


async def test_a_reset_at_one_process_empties_both_and_nothing_else(
    pair: Pair, redis: RedisServer
) -> None:
    images = [distinct() for _ in range(4)]
    redis.command("SET", FOREIGN_KEY, "theirs")
    for image, calls in zip(images, (pair.one, pair.other) * 2, strict=True):
        await calls.caption(image)
        assert await stored(redis, image)
    deleted = await pair.other.reset()
    assert deleted == len(images)
    assert redis.command("KEYS", "*") == [FOREIGN_KEY.encode()]
    assert redis.command("GET", FOREIGN_KEY) == b"theirs"
    again = [await pair.one.caption(images[0]), await pair.other.caption(images[1])]
    assert not any(each.cached for each in again)
    print(f"{deleted} captions reset, the foreign key stayed")


class Load:
    """Clients that ask without pause; a call that raises fails the test at the end."""

    def __init__(self, calls: CaptionCalls) -> None:
        self.outcomes: Counter[str] = Counter()
        self.longest_s = 0.0
        self._calls = calls
        self._repeated = [distinct() for _ in range(5)]
        self._tasks = [asyncio.create_task(self._run(seed)) for seed in range(CLIENTS)]

    async def more(self) -> None:
        """Returns when the clients were answered some times more."""
        enough = self.outcomes.total() + 5 * CLIENTS
        while self.outcomes.total() < enough and not any(task.done() for task in self._tasks):
            await asyncio.sleep(0.05)

    async def end(self) -> None:
        """Stops."""
        for task in self._tasks:
            task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}, outcomes

    async def _run(self, seed: int) -> None:
        choice = random.Random(seed)
        while True:
            image = choice.choice([*self._repeated, distinct()])
            started = time.monotonic()
            answer = await self._calls.caption(image, choice.choice(list(CAPTIONERS)))
            assert answer.caption
            self.longest_s = max(self.longest_s, time.monotonic() - started)
            self.outcomes["hit" if answer.cached else "made"] += 1


@asynccontextmanager
async def loading(calls: CaptionCalls) -> AsyncIterator[Load]:
    load = Load(calls)
    try:
        yield load
    finally:
        await load.end()


@pytest.mark.parametrize("fault", ["kill", "freeze"])
async def test_captions_go_on_while_redis_is_away_and_are_shared_afterwards(
    pair: Pair, redis: RedisServer, fault: str
) -> None:
    kept = distinct()
    await pair.one.caption(kept)
    assert await stored(redis, kept)
    async with loading(pair.one) as load:
        await load.more()
        getattr(redis, fault)()
        await load.more()
        await asyncio.to_thread(redis.start if fault == "kill" else redis.thaw)
        await shared_again(pair, redis)
        await load.more()
    hit = (await pair.other.caption(kept)).cached
    print(f"{fault}: {dict(load.outcomes)}, none failed, the longest took {load.longest_s:.1f} s")
    # A killed Redis forgets, one that only paused does not.
    assert hit is (fault == "freeze")
    assert load.outcomes["hit"]


Asked = tuple[str, bytes]
"""A model's key and a picture."""


async def told_alone(calls: CaptionCalls, images: list[bytes]) -> dict[Asked, str]:
    """What each model says of each image, one call at a time."""
    return {
        (model, image): (await calls.caption(image, model)).caption
        for model in CAPTIONERS
        for image in images
    }


async def most_loaded(calls: CaptionCalls) -> int:
    """The most models that are in memory together, watched until cancelled."""
    most = 0
    try:
        while True:
            most = max(most, len(await calls.loaded()))
            await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        return most


async def compared(
    calls: CaptionCalls, remaining: Iterator[Asked], expected: Mapping[Asked, str]
) -> list[bool]:
    """One client's answers: whether each is as expected."""
    return [
        (await calls.caption(image, model)).caption == expected[model, image]
        for model, image in remaining
    ]


async def test_four_models_in_the_place_of_one(
    pair: Pair, tmp_path: Path, models_dir: Path
) -> None:
    images = [jpeg(1), jpeg(2, 200, 300), jpeg(3, 640, 160), png(4), png(5, 400, 400), jpeg(6)]
    expected = await told_alone(pair.one, images)
    remaining = iter(random.Random(1).choices(list(expected), k=CALLS))
    limits = {"MODEL_CAPACITY": "1", "CAPTION_CACHE_ITEMS": "0"}
    async with running(tmp_path / "data", models_dir, **limits) as process:
        async with process.calls() as calls:
            watching = asyncio.create_task(most_loaded(calls))
            started = time.monotonic()
            async with asyncio.timeout(300):
                clients = [compared(calls, remaining, expected) for _ in range(CLIENTS)]
                right = list(itertools.chain(*await asyncio.gather(*clients)))
            took_s = time.monotonic() - started
            watching.cancel()
            most = await watching
    loads = process.log.count('"model ready"')
    print(f"{sum(right)} of {len(right)} as alone, {loads} loads, {took_s:.0f} s, most {most}")
    assert right == [True] * CALLS
    assert most == 1
    assert len(set(expected.values())) > len(CAPTIONERS)


async def test_swaps_leave_no_memory_behind(tmp_path: Path, models_dir: Path) -> None:
    makers = dict.fromkeys(CAPTIONERS, captioner_folders.large)
    folders = captioner_folders.variables(models_dir, tmp_path, makers)
    limits = {"MODEL_CAPACITY": "1", "CAPTION_MAX_NEW_TOKENS": "4", "VISION_DTYPE": "fp32"}
    model_bytes = captioner_folders.weights_bytes(tmp_path / "blip")
    async with running(tmp_path / "data", models_dir, **folders, **limits) as process:
        first, last = [size async for size in resident_bytes(process, SWAPS)]
    print(f"{first >> 20} MiB after {SWAPS[0]} swaps, {last >> 20} MiB after {SWAPS[1]}, ", end="")
    print(f"{model_bytes >> 20} MiB a model")
    assert process.log.count('"model unloaded"') == max(SWAPS)
    assert abs(last - first) < model_bytes


async def resident_bytes(process: VisionProcess, swaps: Collection[int]) -> AsyncIterator[int]:
    """The memory after so many swaps of one model for another."""
    async with process.calls() as calls:
        order = itertools.cycle(["gemma", "blip2", "intern_vlm", "blip"])
        for swap, model in zip(range(1, max(swaps) + 1), order, strict=False):
            await calls.caption(distinct(), model)
            assert await calls.loaded() == [model]
            if swap in swaps:
                # Freed memory is given back once a second.
                await asyncio.sleep(2.5)
                yield process.resident_bytes


async def test_models_without_good_weights_are_told_and_the_others_serve(
    tmp_path: Path, models_dir: Path
) -> None:
    makers = {
        "blip": captioner_folders.good,
        "blip2": captioner_folders.without_weights,
        "gemma": captioner_folders.with_damaged_weights,
        "intern_vlm": captioner_folders.with_broken_config,
    }
    folders = captioner_folders.variables(models_dir, tmp_path, makers)
    broken = list(makers)[1:]
    async with running(tmp_path / "data", models_dir, **folders) as process:
        async with process.calls() as calls:
            reasons = [await refusal(calls, model) for model in broken]
            health = await reasoned(calls, broken)
            assert (await calls.caption(distinct(), "blip")).caption
            states = await calls.models()
    print("; ".join(reasons))
    for model, reason in zip(broken, reasons, strict=True):
        assert reason.startswith(f"{model} is not ready: ")
        assert not any(word in reason for word in ("Traceback", ".py", "see the log"))
        assert states[model].state == caption_pb2.CaptionModel.STATE_NOT_READY
        assert states[model].reason == reason
        assert reason in health.reason
    assert health.ready
    assert states["blip"].state == caption_pb2.CaptionModel.STATE_LOADED


async def refusal(calls: CaptionCalls, model: str) -> str:
    """Why the model does not caption, told twice in the same words."""
    told = set()
    for _ in range(2):
        with pytest.raises(NotReady) as refused:
            await calls.caption(distinct(), model)
        assert refused.value.retry_after_s
        told.add(refused.value.message)
    [reason] = told
    return reason


async def reasoned(calls: CaptionCalls, models: list[str]) -> Health:
    """The family's health once it names all the models; it is reported once a second."""
    for _ in range(300):
        health = await calls.health()
        if all(model in health.reason for model in models):
            return health
        await asyncio.sleep(0.1)
    raise AssertionError(f"the health names not all: {health}")


@pytest.fixture
def mesh(tmp_path: Path, models_dir: Path, redis: RedisServer) -> Iterator[RunningMesh]:
    (tmp_path / "models").symlink_to(models_dir)
    running = RunningMesh(tmp_path, REDIS_HOST="127.0.0.1", REDIS_PORT=str(redis.port))
    try:
        yield running.wait_ready()
    finally:
        running.stop()


def ask(http: httpx.Client, image: bytes) -> httpx.Response:
    return http.post("/api/caption-images", files={"images": ("p.jpg", image)})


def ask_again(http: httpx.Client, image: bytes) -> Counter[int]:
    """The statuses until it was captioned, asked again when told to, for two minutes."""
    statuses: Counter[int] = Counter()
    ends_at = time.monotonic() + CALL_S
    while time.monotonic() < ends_at:
        answer = ask(http, image)
        statuses[answer.status_code] += 1
        if answer.status_code == 200:
            break
        time.sleep(int(answer.headers["Retry-After"]))
    return statuses


async def test_kill_9_during_captions_loses_none_that_are_asked_again(
    mesh: RunningMesh, redis: RedisServer
) -> None:
    kept = distinct()
    with (
        httpx.Client(base_url=mesh.url, timeout=CALL_S) as http,
        ThreadPoolExecutor(CLIENTS) as threads,
    ):
        first = ask(http, kept).json()["results"][0]
        assert await stored(redis, kept)
        asked = [threads.submit(ask_again, http, distinct()) for _ in range(10 * CLIENTS)]
        asked[CLIENTS].result(CALL_S)
        before = sum(call.done() for call in asked)
        mesh.kill("vision_models")
        mesh.wait_line(r"vision-models stopped \(signal 9\); restarting")
        statuses = sum((call.result(2 * CALL_S) for call in asked), Counter[int]())
        again = ask(http, kept).json()["results"][0]
    print(f"killed after {before} of {len(asked)} captions: {dict(statuses)}")
    assert before < len(asked)
    assert set(statuses) <= {200, 503}
    assert statuses[200] == len(asked)
    assert again == first | {"cache": True}
