"""One contract for every caption cache: in memory, in Redis, and Redis with a stand-in."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from cryptography.x509.oid import NameOID
from prometheus_client import REGISTRY

from facetkit.errors import Unavailable
from tests.ports import free_port
from tests.redis_server import RedisServer, until
from vision_models.caches.memory import MemoryCaptionCache
from vision_models.caches.opening import open_caption_cache
from vision_models.caches.redis import RedisAccess, RedisCaptionCache
from vision_models.caches.resilient import ResilientCaptionCache
from vision_models.caption_cache import (
    CachedCaption,
    CaptionCache,
    collection_key,
    decode,
    encode,
    image_key,
    variant,
)

TTL_S = 3600
RING = CachedCaption("a gold ring", ("gold", "ring"), flagged=False)
OTHER = CachedCaption("a silver necklace", ("necklace",), flagged=True)
KEY = image_key("a" * 64, "b" * 32)
LOOPBACK = IPv4Address("127.0.0.1")


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Subject:
    """A cache, and how to let seconds pass for what it keeps."""

    cache: CaptionCache
    age: Callable[[int], Awaitable[None]]


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def empty_redis(redis_server: RedisServer) -> RedisServer:
    redis_server.command("FLUSHALL")
    return redis_server


@pytest.fixture
async def in_redis(empty_redis: RedisServer) -> AsyncIterator[RedisCaptionCache]:
    cache = RedisCaptionCache(access(empty_redis), ttl_s=TTL_S, timeout_s=5)
    yield cache
    await cache.close()


def access(server: RedisServer, db: int = 0) -> RedisAccess:
    return RedisAccess("127.0.0.1", server.port, db)


@pytest.fixture
async def memory() -> Subject:
    clock = Clock()

    async def age(seconds: int) -> None:
        clock.now_s += seconds

    return Subject(MemoryCaptionCache(items=100, ttl_s=TTL_S, clock=clock), age)


@pytest.fixture
async def redis(empty_redis: RedisServer, in_redis: RedisCaptionCache) -> Subject:
    async def age(seconds: int) -> None:
        for key in empty_redis.command("KEYS", "*"):
            left_s = empty_redis.command("TTL", key)
            assert 0 < left_s <= TTL_S
            empty_redis.command("EXPIRE", key, left_s - seconds)

    return Subject(in_redis, age)


@pytest.fixture
async def resilient(
    empty_redis: RedisServer, redis: Subject, in_redis: RedisCaptionCache
) -> AsyncIterator[Subject]:
    stand_in = MemoryCaptionCache(items=100, ttl_s=TTL_S)
    cache = ResilientCaptionCache(in_redis, stand_in, probe_s=0.05)
    await until(lambda: cache.shares)

    async def age(seconds: int) -> None:
        # What is still being written has no age yet.
        await until(lambda: empty_redis.command("DBSIZE") > 0)
        await redis.age(seconds)

    yield Subject(cache, age)
    await cache.close()


SLOW = pytest.mark.slow


@pytest.fixture(
    params=["memory", pytest.param("redis", marks=SLOW), pytest.param("resilient", marks=SLOW)]
)
def subject(request: pytest.FixtureRequest) -> Subject:
    made: Subject = request.getfixturevalue(request.param)
    return made


@pytest.mark.parametrize(
    "value",
    [
        RING,
        CachedCaption("", (), flagged=True),
        CachedCaption('кольцо "из" золота \N{RING} 金\n\x00', ("кольцо", "金"), flagged=False),
        CachedCaption("x" * 100_000, ("y",) * 10, flagged=False),
    ],
)
async def test_what_was_put_is_found(subject: Subject, value: CachedCaption) -> None:
    assert await subject.cache.get(KEY) is None
    await subject.cache.put(KEY, value)
    assert await subject.cache.get(KEY) == value
    assert await subject.cache.get(image_key("c" * 64, "b" * 32)) is None


async def test_the_last_value_counts(subject: Subject) -> None:
    for value in (RING, OTHER, RING, OTHER):
        await subject.cache.put(KEY, value)
        assert await subject.cache.get(KEY) == value


async def test_values_have_an_end_which_reading_does_not_put_off(subject: Subject) -> None:
    await subject.cache.put(KEY, RING)
    await subject.age(TTL_S - 60)
    assert await subject.cache.get(KEY) == RING
    await subject.age(60)
    assert await subject.cache.get(KEY) is None
    assert await subject.cache.reset() == 0


async def test_reset_forgets_everything_and_counts_it(subject: Subject) -> None:
    keys = [image_key(f"{number:064}", "b" * 32) for number in range(20)]
    keys.append(collection_key(keys, "b" * 32))
    for key in keys:
        await subject.cache.put(key, RING)
    assert await subject.cache.reset() == 21
    assert [await subject.cache.get(key) for key in keys] == [None] * 21
    assert await subject.cache.reset() == 0


async def test_many_callers_at_once(subject: Subject) -> None:
    async def call(number: int) -> bool:
        key = image_key(f"{number % 40:064}", "b" * 32)
        value = CachedCaption(f"picture {number % 40}", (), flagged=False)
        await subject.cache.put(key, value)
        return await subject.cache.get(key) == value

    assert all(await asyncio.gather(*(call(number) for number in range(200))))


async def test_the_least_recently_used_goes_first() -> None:
    cache = MemoryCaptionCache(items=2, ttl_s=TTL_S)
    for key in "ab":
        await cache.put(key, RING)
    await cache.get("a")
    await cache.put("c", OTHER)
    assert [await cache.get(key) for key in "abc"] == [RING, None, OTHER]
    await cache.put("a", OTHER)
    await cache.put("d", RING)
    assert [await cache.get(key) for key in "acd"] == [OTHER, None, RING]


async def test_no_room_keeps_nothing() -> None:
    cache = MemoryCaptionCache(items=0, ttl_s=TTL_S)
    await cache.put(KEY, RING)
    assert await cache.get(KEY) is None


FOREIGN = [
    b"",
    b"not JSON",
    b"\xff\xfe",
    encode(RING)[:-1],
    b"null",
    b"[]",
    b"7",
    b'"a"',
    b"{}",
    b"[" * 100_000,
    json.dumps({"caption": "a", "tags": []}).encode(),
    json.dumps({"caption": None, "tags": [], "flagged": False}).encode(),
    json.dumps({"caption": "a", "tags": "b", "flagged": False}).encode(),
    json.dumps({"caption": "a", "tags": [1], "flagged": False}).encode(),
    json.dumps({"caption": "a", "tags": [], "flagged": 0}).encode(),
]


@pytest.mark.parametrize("content", [None, *FOREIGN])
def test_what_is_no_caption_is_none(content: bytes | None) -> None:
    assert decode(content) is None


@pytest.mark.slow
async def test_foreign_values_in_redis_are_misses_and_are_replaced(
    empty_redis: RedisServer, in_redis: RedisCaptionCache
) -> None:
    for content in FOREIGN:
        empty_redis.command("SET", KEY, content)
        assert await in_redis.get(KEY) is None
    empty_redis.command("DEL", KEY)
    empty_redis.command("RPUSH", KEY, "a list")
    assert await in_redis.get(KEY) is None
    await in_redis.put(KEY, RING)
    assert await in_redis.get(KEY) == RING


@pytest.mark.slow
async def test_reset_leaves_keys_of_others_and_other_databases(
    empty_redis: RedisServer, in_redis: RedisCaptionCache
) -> None:
    others = [b"session:1", b"v1:image:a", b"v2:img:a", b"av1:img:a"]
    for key in others:
        empty_redis.command("SET", key, "x")
    empty_redis.command("SET", KEY, "x", db=1)
    empty_redis.command("RPUSH", "v1:collection:strange", "a list")
    ours = [image_key(f"{number:064}", "c" * 32) for number in range(2500)]
    empty_redis.command("MSET", *(word for key in ours for word in (key, "x")))
    assert await in_redis.reset() == 2501
    assert sorted(empty_redis.command("KEYS", "*")) == sorted(others)
    assert empty_redis.command("EXISTS", KEY, db=1) == 1


@pytest.mark.slow
async def test_a_check_makes_no_key_and_connections_ask_nothing_else(
    empty_redis: RedisServer,
) -> None:
    cache = RedisCaptionCache(access(empty_redis, db=3), ttl_s=TTL_S, timeout_s=5)
    empty_redis.command("CONFIG", "RESETSTAT")
    await cache.check()
    await cache.put(KEY, RING)
    assert await cache.get(KEY) == RING
    await cache.close()
    counts = {name: empty_redis.calls(name) for name in ("select", "set", "mget", "hello")}
    assert counts == {"select": 1, "set": 2, "mget": 1, "hello": 0}
    assert empty_redis.command("KEYS", "*", db=3) == [KEY.encode()]


@pytest.mark.slow
async def test_what_is_opened_shares_by_redis_and_counts(empty_redis: RedisServer) -> None:
    first, second = (opened(host="127.0.0.1", port=empty_redis.port) for _ in range(2))
    for _ in range(3000):
        await first.put(KEY, RING)
        if await second.get(KEY):
            break
        await asyncio.sleep(0.02)
    assert REGISTRY.get_sample_value("vision_caption_cache_shared") == 1
    before = outcomes("hit"), outcomes("miss")
    assert await second.get(KEY) == RING
    assert await first.reset() == 1
    assert await second.get(KEY) is None
    assert (outcomes("hit"), outcomes("miss")) == (before[0] + 1, before[1] + 1)
    await first.close()
    await second.close()


@pytest.mark.slow
async def test_a_server_with_tls_must_be_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, (certificate, key) = free_port(), self_signed(tmp_path)
    files = ("--tls-cert-file", str(certificate), "--tls-key-file", str(key))
    server = RedisServer("--tls-port", str(port), "--tls-auth-clients", "no", *files)
    server.start()
    encrypted = RedisAccess("127.0.0.1", port, tls=True)
    cache = RedisCaptionCache(encrypted, ttl_s=TTL_S, timeout_s=5)
    with pytest.raises(Unavailable):
        await cache.check()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    trusting = RedisCaptionCache(encrypted, ttl_s=TTL_S, timeout_s=5)
    await trusting.check()
    await trusting.put(KEY, RING)
    assert await trusting.get(KEY) == RING
    assert server.command("EXISTS", KEY) == 1
    for each in (cache, trusting):
        await each.close()
    server.remove()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for loopback and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(LOOPBACK)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


async def test_without_a_host_the_memory_alone_is_used() -> None:
    cache = opened(host="")
    before = outcomes("hit"), outcomes("miss")
    assert await cache.get(KEY) is None
    await cache.put(KEY, RING)
    assert await cache.get(KEY) == RING
    assert (outcomes("hit"), outcomes("miss")) == (before[0] + 1, before[1] + 1)
    assert await cache.reset() == 1
    await cache.close()


def opened(*, host: str, port: int = 6379) -> CaptionCache:
    return open_caption_cache(
        host=host, port=port, db=0, username="", password="", tls=False, ttl_s=TTL_S, items=10
    )


def outcomes(outcome: str) -> float:
    name = "vision_caption_cache_total"
    return REGISTRY.get_sample_value(name, {"outcome": outcome}) or 0.0


def test_the_library_is_loaded_for_a_host_alone() -> None:
    script = (
        "import sys; from vision_models.caches.opening import open_caption_cache; "
        "open_caption_cache(host='', port=1, db=0, username='', password='', tls=False, "
        "ttl_s=1, items=1); print('redis' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b"False\n"


def test_keys_are_those_that_other_versions_know() -> None:
    made = variant("blip", "1", "demo", "a photo of", "", 30)
    assert made == "5000e81a7c1127f2c4316319ffe41da3"
    assert image_key("a" * 64, made) == f"v1:img:{'a' * 64}:{made}"
    digest = "fa0dafbf43f1f551e536353e9d1a942a8e86e41a0b58dfeaf264ef217f6b862a"
    assert collection_key(["a" * 64, "b" * 64], made) == f"v1:collection:{digest}:{made}"


def test_variants_differ_with_each_of_their_parts() -> None:
    given = {
        "model_name": "blip",
        "model_version": "1",
        "model_set": "demo",
        "caption_prompt": "a",
        "flag_prompt": "b",
    }
    changed = [{**given, name: "x"} for name in given]
    moved = [{**given, "caption_prompt": "ab", "flag_prompt": ""}]
    moved += [{**given, "caption_prompt": "", "flag_prompt": "ab"}]
    moved += [{**given, "model_name": "blip1", "model_version": ""}]
    made = [variant(**parts, max_new_tokens=30) for parts in (given, *changed, *moved)]
    made.append(variant(**given, max_new_tokens=31))
    assert len(set(made)) == len(made) == 10


def test_collections_differ_with_their_order() -> None:
    digests = ["a" * 64, "b" * 64]
    keys = {collection_key(each, "v") for each in (digests, digests[::-1], digests[:1])}
    assert len(keys) == 3
