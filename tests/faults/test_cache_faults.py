"""Redis that dies, hangs, refuses or is no Redis: calls go on, and what is shared comes back."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from facetkit.errors import Unavailable
from tests.ports import free_port
from tests.redis_server import RedisServer, until
from vision_models.caches.memory import MemoryCaptionCache
from vision_models.caches.redis import RedisAccess, RedisCaptionCache
from vision_models.caches.resilient import ResilientCaptionCache
from vision_models.caption_cache import CachedCaption, CaptionCache, image_key

pytestmark = pytest.mark.slow

CALLERS = 16
TTL_S = 3600
PATIENT_S = 3.0
"""Long enough that a busy machine is not taken for a Redis that hangs."""
RING = CachedCaption("a gold ring", ("gold", "ring"), flagged=False)
KEY = image_key("a" * 64, "b" * 32)
LOST, FOUND = "shared caption cache lost", "shared caption cache answers"


class Watched:
    """Redis, and how many requests were sent there."""

    def __init__(self, cache: RedisCaptionCache) -> None:
        self.requests = 0
        self._cache = cache

    async def get(self, key: str) -> CachedCaption | None:
        self.requests += 1
        return await self._cache.get(key)

    async def put(self, key: str, value: CachedCaption) -> None:
        self.requests += 1
        await self._cache.put(key, value)

    async def check(self) -> None:
        await self._cache.check()

    async def reset(self) -> int:
        return await self._cache.reset()

    async def close(self) -> None:
        await self._cache.close()


@dataclass
class Parts:
    """A resilient cache and what it is made of."""

    cache: ResilientCaptionCache
    shared: Watched
    stand_in: MemoryCaptionCache


@asynccontextmanager
async def resilient(
    port: int, *, probe_s: float = 0.05, timeout_s: float = PATIENT_S
) -> AsyncIterator[Parts]:
    access = RedisAccess("127.0.0.1", port)
    shared = Watched(RedisCaptionCache(access, ttl_s=TTL_S, timeout_s=timeout_s))
    stand_in = MemoryCaptionCache(items=1_000_000, ttl_s=TTL_S)
    cache = ResilientCaptionCache(shared, stand_in, probe_s=probe_s)
    try:
        yield Parts(cache, shared, stand_in)
    finally:
        await cache.close()


@pytest.fixture
def server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
async def parts(server: RedisServer) -> AsyncIterator[Parts]:
    """Over a Redis that answers."""
    async with resilient(server.port) as made:
        await until(lambda: made.cache.shares)
        yield made


class Load:
    """Callers that put and get without pause; a call that raises fails the test at the end."""

    def __init__(self, cache: CaptionCache) -> None:
        self.calls = 0
        self._cache = cache
        self._tasks = [asyncio.create_task(self._run(caller)) for caller in range(CALLERS)]

    async def more(self) -> None:
        """Returns when every caller has made some further calls."""
        enough = self.calls + 50 * CALLERS
        await until(lambda: self.calls >= enough or any(task.done() for task in self._tasks))

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}

    async def _run(self, caller: int) -> None:
        for number in count():
            key = image_key(f"{caller:032}{number:032}", "b" * 32)
            value = CachedCaption(key, (), flagged=False)
            await self._cache.put(key, value)
            assert await self._cache.get(key) in (None, value)
            self.calls += 2
            await asyncio.sleep(0.001)


def shared_gauge() -> float | None:
    return REGISTRY.get_sample_value("vision_caption_cache_shared")


@pytest.mark.parametrize("fault", ["kill", "freeze"])
async def test_calls_go_on_while_redis_is_away_and_share_again_afterwards(
    server: RedisServer, parts: Parts, fault: str
) -> None:
    with capture_logs() as logs:
        load = Load(parts.cache)
        await load.more()
        getattr(server, fault)()
        await until(lambda: not parts.cache.shares)
        assert shared_gauge() == 0
        before = parts.shared.requests
        await load.more()
        assert parts.shared.requests == before
        await parts.cache.put(KEY, RING)
        assert await parts.cache.get(KEY) == RING
        await asyncio.to_thread(server.start if fault == "kill" else server.thaw)
        await until(lambda: parts.cache.shares)
        await load.more()
        await load.end()
    assert parts.shared.requests <= load.calls + 3 * CALLERS
    assert Counter(log["event"] for log in logs) == {LOST: 1, FOUND: 1}
    assert shared_gauge() == 1
    assert await parts.stand_in.reset() == 0
    assert await parts.cache.get(KEY) is None
    await parts.cache.put(KEY, RING)
    await until(lambda: server.command("EXISTS", KEY) == 1)
    assert await parts.cache.get(KEY) == RING


async def test_what_was_shared_is_found_again_after_a_pause(
    server: RedisServer, parts: Parts
) -> None:
    await parts.cache.put(KEY, RING)
    await until(lambda: server.command("EXISTS", KEY) == 1)
    server.freeze()
    await until(lambda: not parts.cache.shares)
    assert await parts.cache.get(KEY) is None
    server.thaw()
    await until(lambda: parts.cache.shares)
    assert await parts.cache.get(KEY) == RING


async def test_the_first_failure_of_a_call_is_enough(server: RedisServer) -> None:
    async with resilient(server.port, probe_s=3600) as parts:
        await until(lambda: parts.cache.shares)
        server.freeze()
        found = await asyncio.gather(*(parts.cache.get(KEY) for _ in range(CALLERS)))
        assert found == [None] * CALLERS
        assert not parts.cache.shares
        assert parts.shared.requests == CALLERS
        await parts.cache.put(KEY, RING)
        assert await parts.cache.get(KEY) == RING
        assert parts.shared.requests == CALLERS
        server.thaw()


async def test_a_put_waits_for_nothing_and_is_kept_all_the_same(server: RedisServer) -> None:
    async with resilient(server.port, probe_s=3600) as parts:
        await until(lambda: parts.cache.shares)
        server.freeze()
        await parts.cache.put(KEY, RING)
        # It is still on its way: nothing has failed so far.
        assert parts.cache.shares
        assert await parts.cache.get(KEY) == RING
        await until(lambda: not parts.cache.shares)
        assert await parts.cache.get(KEY) == RING
        assert await parts.stand_in.reset() == 1
        server.thaw()


async def test_callers_that_leave_take_no_connection_with_them(
    server: RedisServer, parts: Parts
) -> None:
    await parts.cache.put(KEY, RING)
    await until(lambda: server.command("EXISTS", KEY) == 1)
    for _ in range(20):
        calls = [asyncio.create_task(parts.cache.get(KEY)) for _ in range(64)]
        for turns, call in enumerate(calls):
            if turns % 4 == 0:
                await asyncio.sleep(0)
            if turns % 2:
                call.cancel()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        stayed = [each for each in outcomes if not isinstance(each, asyncio.CancelledError)]
        assert stayed == [RING] * len(stayed)
        assert len(stayed) >= 32
    assert parts.cache.shares
    assert server.command("INFO", "clients")["connected_clients"] <= CALLERS + 1


@pytest.mark.parametrize("trouble", ["no memory", "replica"])
async def test_a_redis_that_refuses_writes_stays_away_until_it_takes_them(
    server: RedisServer, parts: Parts, trouble: str
) -> None:
    ways = {
        "no memory": ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
        "replica": (f"REPLICAOF 127.0.0.1 {free_port()}", "REPLICAOF NO ONE"),
    }
    with capture_logs() as logs:
        refuse, accept = ways[trouble]
        server.command(*refuse.split())
        await until(lambda: not parts.cache.shares)
        before = parts.shared.requests
        for _ in range(20):
            await asyncio.sleep(0.05)
            assert not parts.cache.shares
            await parts.cache.put(KEY, RING)
            assert await parts.cache.get(KEY) == RING
        assert parts.shared.requests == before
        server.command(*accept.split())
        await until(lambda: parts.cache.shares)
    assert [log["event"] for log in logs] == [LOST, FOUND]


@dataclass
class Impostor:
    """Takes connections and answers each thing that it reads with the next of `answers`."""

    answers: list[bytes] = field(default_factory=list)
    read: list[bytes] = field(default_factory=list)
    connections: int = 0
    most: int = 0
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.most = max(self.most, self.connections)
        while content := await reader.read(2**16):
            self.read.append(content)
            if self.answers:
                writer.write(self.answers.pop(0))
        self.connections -= 1
        writer.close()


@pytest.fixture
async def impostor() -> AsyncIterator[Impostor]:
    made = Impostor()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await until(lambda: made.connections == 0)


@pytest.fixture
async def asking(impostor: Impostor) -> AsyncIterator[RedisCaptionCache]:
    """Takes the impostor for a Redis."""
    cache = RedisCaptionCache(RedisAccess("127.0.0.1", impostor.port), ttl_s=TTL_S)
    yield cache
    await cache.close()


async def test_a_port_that_never_answers_is_asked_by_checks_alone(impostor: Impostor) -> None:
    async with resilient(impostor.port, timeout_s=0.25) as parts:
        load = Load(parts.cache)
        await until(lambda: len(impostor.read) >= 4)
        await load.more()
        await load.end()
        assert not parts.cache.shares
        assert parts.shared.requests == 0
        assert {content.split(b"\r\n")[2] for content in impostor.read} == {b"SET"}
        assert impostor.most == 1
        assert await parts.cache.reset() == load.calls // 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b":seven\r\n",
        b"$1000000000000\r\nx",
        b"*100000\r\n$1\r\na",
        b"\xff\xfe\x00\r\n",
        b"-\xff\r\n",
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-NOAUTH Authentication required.\r\n",
    ],
)
async def test_whatever_a_server_says_becomes_unavailable(
    impostor: Impostor, asking: RedisCaptionCache, answer: bytes
) -> None:
    calls = [asking.check, lambda: asking.get(KEY), lambda: asking.put(KEY, RING), asking.reset]
    for call in calls:
        impostor.answers = [answer]
        with pytest.raises(Unavailable) as raised:
            await call()
        assert raised.value.message.startswith("the cache cannot be reached")


async def test_without_a_redis_since_the_start_a_reset_is_that_of_the_stand_in() -> None:
    with capture_logs() as logs:
        async with resilient(free_port()) as parts:
            await parts.cache.put(KEY, RING)
            await until(lambda: bool(logs))
            assert await parts.cache.get(KEY) == RING
            assert await parts.cache.reset() == 1
            assert await parts.cache.get(KEY) is None
            await asyncio.sleep(0.3)
    assert [log["event"] for log in logs] == [LOST]
    assert "exc_info" not in logs[0]


@pytest.mark.parametrize("fault", ["kill", "freeze"])
async def test_a_reset_is_refused_where_what_is_shared_would_survive(
    server: RedisServer, parts: Parts, fault: str
) -> None:
    await parts.cache.put(KEY, RING)
    await until(lambda: server.command("EXISTS", KEY) == 1)
    getattr(server, fault)()
    with pytest.raises(Unavailable) as raised:
        await parts.cache.reset()
    assert raised.value.message == "the cache cannot be reached; nothing was reset"
    assert raised.value.retry_after_s == 2
    await parts.cache.put(KEY, RING)
    with pytest.raises(Unavailable):
        await parts.cache.reset()
    assert await parts.cache.get(KEY) == RING
    await asyncio.to_thread(server.start if fault == "kill" else server.thaw)
    await until(lambda: parts.cache.shares)
    assert await parts.cache.reset() == (0 if fault == "kill" else 1)


async def test_a_reset_that_breaks_off_tells_how_far_it_came(
    impostor: Impostor, asking: RedisCaptionCache
) -> None:
    page = b"*2\r\n$1\r\n5\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"
    impostor.answers = [page, b":2\r\n"]
    with pytest.raises(Unavailable) as raised:
        await asking.reset()
    assert raised.value.message == "the cache cannot be reached; only 2 captions were reset"
    assert [content.split(b"\r\n")[2] for content in impostor.read] == [b"SCAN", b"UNLINK", b"SCAN"]


async def test_a_reset_at_the_start_does_not_wait_for_the_first_check(server: RedisServer) -> None:
    server.command("SET", KEY, "x")
    async with resilient(server.port) as parts:
        await parts.cache.put(KEY, RING)
        # The stand-in's copy counts unless the check was quicker.
        assert await parts.cache.reset() in (1, 2)
        assert await parts.cache.get(KEY) is None
    assert server.command("EXISTS", KEY) == 0


USER = "ACL SETUSER facet on >sesame ~v1:* +select +set +mget +scan +unlink"


async def test_a_user_of_few_rights_is_enough(server: RedisServer) -> None:
    server.command(*USER.split())
    cache = RedisCaptionCache(
        RedisAccess("127.0.0.1", server.port, 2, "facet", "sesame"),
        ttl_s=TTL_S,
        timeout_s=PATIENT_S,
    )
    await cache.check()
    await cache.put(KEY, RING)
    assert await cache.get(KEY) == RING
    assert await cache.reset() == 1
    await cache.close()


async def test_a_wrong_password_is_an_outage_and_told_to_nobody(server: RedisServer) -> None:
    server.command(*USER.split())
    access = RedisAccess("127.0.0.1", server.port, 0, "facet", "open sesame")
    assert "sesame" not in repr(access)
    stand_in = MemoryCaptionCache(items=10, ttl_s=TTL_S)
    with capture_logs() as logs:
        cache = ResilientCaptionCache(RedisCaptionCache(access, ttl_s=TTL_S), stand_in)
        await until(lambda: bool(logs))
        await cache.put(KEY, RING)
        assert await cache.get(KEY) == RING
        await cache.close()
    assert "sesame" not in repr(logs)
    assert server.command("DBSIZE") == 0
