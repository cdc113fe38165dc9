import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import sqlalchemy as sa
from sqlalchemy import URL
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from facetkit.errors import InvalidInput, Unavailable
from facetkit.sql import (
    chunks,
    connect,
    database_url,
    key_type,
    sqlite_file,
    take_turns,
    transaction,
    upsert,
)
from tests.databases import Databases
from tests.ports import free_port
from tests.postgres_server import PostgresServer

pytest_plugins = ("tests.database_fixtures",)

SCHEMA = "things"
METADATA = sa.MetaData()
THINGS = sa.Table(
    "things",
    METADATA,
    sa.Column("id", key_type(64), primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("name", sa.Text),
)


async def make_tables(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(sa.schema.CreateSchema(SCHEMA))
        await connection.run_sync(METADATA.create_all)


@pytest.fixture
async def engine(databases: Databases) -> AsyncIterator[AsyncEngine]:
    """An empty table of things."""
    made = connect(databases.empty(), SCHEMA)
    await make_tables(made)
    yield made
    await made.dispose()


async def put(engine: AsyncEngine, *rows: tuple[str, int]) -> None:
    values = [{"id": thing_id, "size": size} for thing_id, size in rows]
    async with transaction(engine) as connection:
        await connection.execute(THINGS.insert(), values)


async def put_and_fail(engine: AsyncEngine, thing_id: str) -> None:
    with suppress(ZeroDivisionError):
        async with transaction(engine) as connection:
            await connection.execute(THINGS.insert().values({"id": thing_id, "size": 1}))
            raise ZeroDivisionError


async def things(engine: AsyncEngine) -> list[tuple[str, int]]:
    async with transaction(engine) as connection:
        rows = await connection.execute(sa.select(THINGS.c.id, THINGS.c.size).order_by("id"))
        return [(row.id, row.size) for row in rows]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgresql://u:p%40@host:5433/db", "postgresql+psycopg://u:p%40@host:5433/db"),
        ("postgres://host/db?sslmode=require", "postgresql+psycopg://host/db?sslmode=require"),
        ("postgresql+asyncpg://host/db", "postgresql+psycopg://host/db"),
        ("sqlite:////data/search.db", "sqlite+aiosqlite:////data/search.db"),
        ("sqlite:///search.db", "sqlite+aiosqlite:///search.db"),
    ],
)
def test_a_database_gets_its_driver(given: str, expected: str) -> None:
    assert database_url(given).render_as_string(hide_password=False) == expected


@pytest.mark.parametrize(
    "given",
    ["", "x", "mysql://host/db", "sqlite://", "sqlite:///:memory:", "postgresql://host:port/db"],
)
def test_other_databases_are_refused_without_telling_the_url(given: str) -> None:
    with pytest.raises(ValueError, match=r"^must "):
        database_url(given)


def test_only_sqlite_has_a_file() -> None:
    assert str(sqlite_file(database_url("sqlite:////data/a b.db"))) == "/data/a b.db"
    assert sqlite_file(database_url("postgresql://host/db")) is None


def test_chunks_keep_all_in_order() -> None:
    assert chunks([]) == []
    assert [len(some) for some in chunks(range(2000))] == [900, 900, 200]
    assert [value for some in chunks(range(2000)) for value in some] == list(range(2000))


async def test_what_sqlite_acknowledged_is_on_the_disk(sqlite_databases: Databases) -> None:
    engine = connect(sqlite_databases.empty(), SCHEMA)
    told = []
    async with transaction(engine) as connection:
        for pragma in ("journal_mode", "synchronous", "foreign_keys"):
            told.append((await connection.execute(sa.text(f"PRAGMA {pragma}"))).scalar_one())
    await engine.dispose()
    assert told == ["wal", 2, 1]


async def test_a_transaction_is_kept_whole_or_not_at_all(engine: AsyncEngine) -> None:
    await put(engine, ("a", 1))
    with pytest.raises(IntegrityError):
        await put(engine, ("b", 2), ("a", 3))
    await put_and_fail(engine, "c")
    assert await things(engine) == [("a", 1)]


async def test_an_upsert_replaces_what_it_is_told_to(engine: AsyncEngine) -> None:
    rows = [{"id": "a", "size": 1, "name": "x"}, {"id": "b", "size": 1, "name": "x"}]
    again = [{"id": "b", "size": 2, "name": "y"}, {"id": "c", "size": 2, "name": "y"}]
    async with transaction(engine) as connection:
        await connection.execute(upsert(engine, THINGS), rows)
        await connection.execute(upsert(engine, THINGS), again)
        await connection.execute(upsert(engine, THINGS, replace=("size",)), again[:1])
        found = (await connection.execute(THINGS.select().order_by("id"))).all()
    assert found == [("a", 1, "x"), ("b", 2, "x"), ("c", 2, "y")]


async def test_keys_sort_by_their_bytes(engine: AsyncEngine) -> None:
    keys = ["B", "a", "A", "ä", "я", "Я", "😀", "\uffff", " ", "%", "a b", "a-b", "ab"]
    await put(engine, *((key, 1) for key in keys))
    assert [key for key, _ in await things(engine)] == sorted(keys, key=str.encode)


async def test_transactions_that_take_turns_do_not_overlap(engine: AsyncEngine) -> None:
    await put(engine, ("a", 0))

    async def increase() -> None:
        async with transaction(engine) as connection:
            await take_turns(connection, "a")
            size = (await connection.execute(sa.select(THINGS.c.size))).scalar_one()
            await asyncio.sleep(0.005)
            await connection.execute(THINGS.update().values(size=size + 1))

    await asyncio.gather(*(increase() for _ in range(20)))
    assert await things(engine) == [("a", 20)]


async def test_more_transactions_than_connections_wait_their_turn(engine: AsyncEngine) -> None:
    await asyncio.gather(*(put(engine, (f"{number:02}", number)) for number in range(50)))
    assert len(await things(engine)) == 50


@pytest.mark.parametrize("seed", range(3))
async def test_cancelled_transactions_leave_nothing_half_and_hold_nothing_up(
    engine: AsyncEngine, seed: int
) -> None:
    chance = random.Random(seed)

    async def write(number: int) -> None:
        async with transaction(engine) as connection:
            await take_turns(connection, "a")
            for half in "ab":
                values = {"id": f"{number:03}{half}", "size": number}
                await connection.execute(THINGS.insert().values(values))

    async def write_or_leave(number: int) -> bool:
        task = asyncio.create_task(write(number))
        await asyncio.wait([task], timeout=chance.uniform(0, 0.05))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return not task.cancelled()

    for first in range(0, 60, 6):
        await asyncio.gather(*(write_or_leave(number) for number in range(first, first + 6)))
    await write(999)
    found = await things(engine)
    whole = {size for _, size in found}
    assert found == [(f"{size:03}{half}", size) for size in sorted(whole) for half in "ab"]
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_a_file_that_cannot_be_opened_is_unavailable(sqlite_databases: Databases) -> None:
    url = sqlite_databases.empty()
    engine = connect(url.set(database=f"{url.database}/missing/a.db"), SCHEMA)
    with pytest.raises(Unavailable, match="the database cannot be reached") as caught:
        await things(engine)
    assert caught.value.retry_after_s
    await engine.dispose()


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
async def test_a_server_that_is_away_is_unavailable(host: str) -> None:
    engine = connect(database_url(f"postgresql://facet@{host}:{free_port()}/facet"), SCHEMA)
    with pytest.raises(Unavailable, match="the database cannot be reached"):
        await things(engine)
    await engine.dispose()


@pytest.mark.slow
async def test_text_that_postgresql_cannot_hold_is_bad_input(postgres_databases: Databases) -> None:
    engine = connect(postgres_databases.empty(), SCHEMA)
    await make_tables(engine)
    with pytest.raises(InvalidInput):
        await put(engine, ("a\0", 1))
    assert await things(engine) == []
    await engine.dispose()


@pytest.mark.slow
async def test_a_killed_server_is_unavailable_until_it_is_back(
    mortal_server: PostgresServer,
) -> None:
    server = mortal_server
    engine = connect(server.new_database(), SCHEMA)
    await make_tables(engine)
    await put(engine, ("kept", 1))
    entered = asyncio.Event()

    async def interrupted() -> None:
        async with transaction(engine) as connection:
            await connection.execute(THINGS.insert().values({"id": "lost", "size": 1}))
            entered.set()
            await connection.execute(sa.text("SELECT pg_sleep(600)"))

    writing = asyncio.create_task(interrupted())
    await entered.wait()
    await asyncio.gather(*(things(engine) for _ in range(5)))
    server.kill()
    for call in (writing, things(engine), things(engine)):
        with pytest.raises(Unavailable, match="the database cannot be reached"):
            await call
    server.start()
    assert await things(engine) == [("kept", 1)]
    server.kill()
    server.start()
    await asyncio.gather(*(put(engine, (f"{number}", number)) for number in range(8)))
    assert len(await things(engine)) == 9
    await engine.dispose()


@pytest.mark.slow
async def test_a_disposed_engine_leaves_no_connection(postgres_databases: Databases) -> None:
    url: URL = postgres_databases.empty()
    engine, watching = connect(url, SCHEMA), connect(url, SCHEMA)
    await make_tables(engine)
    await asyncio.gather(*(things(engine) for _ in range(8)))
    await engine.dispose()
    statement = sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
    left = -1
    async with asyncio.timeout(60):
        while left != 1:
            async with transaction(watching) as connection:
                left = (await connection.execute(statement)).scalar_one()
    await watching.dispose()
