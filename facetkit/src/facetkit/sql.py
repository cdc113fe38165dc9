"""SQL databases of services: SQLite in one file of one process, or PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import URL, String, Table, event, func, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from facetkit.errors import InvalidInput, Unavailable

log = structlog.get_logger(__name__)

Value = TypeVar("Value")

_BUSY_TIMEOUT_S = 30
_PARAMETERS = 900
"""Values in one statement that every SQLite accepts."""


def key_type(length: int | None = None) -> Any:
    """Text that sorts by its bytes on every database, as object stores list their keys."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def database_url(url: str) -> URL:
    """The database that `url` names, with the driver used here.

    Raises ValueError for another kind of database.
    """
    try:
        named = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ValueError("must be a URL like postgresql://user:password@host/database") from error
    if named.get_backend_name() in ("postgresql", "postgres"):
        return named.set(drivername="postgresql+psycopg")
    if named.get_backend_name() == "sqlite" and named.database not in (None, "", ":memory:"):
        return named.set(drivername="sqlite+aiosqlite")
    raise ValueError("must name a PostgreSQL database or a file of SQLite")


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite database; None for other databases."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def connect(url: URL, schema: str) -> AsyncEngine:
    """An engine whose tables lie in `schema`, or in the file as they are."""
    options = connection_options(url, schema)
    if url.get_backend_name() == "postgresql":
        return create_async_engine(
            url, pool_size=8, max_overflow=8, pool_pre_ping=True, connect_args=options
        ).execution_options(schema_translate_map={None: schema})
    # One connection: writers wait their turn instead of finding the file locked.
    engine = create_async_engine(url, pool_size=1, max_overflow=0, connect_args=options)
    event.listen(engine.sync_engine, "connect", _durable)
    return engine


def connection_options(url: URL, schema: str) -> dict[str, Any]:
    """What the driver is told beside the URL."""
    if url.get_backend_name() == "sqlite":
        return {"timeout": _BUSY_TIMEOUT_S}
    return {
        "connect_timeout": 5,
        "application_name": f"facet-{schema}",
        # A server that is cut off is given up after some ten seconds instead of hours.
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }


def _durable(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction. Raises Unavailable where the database cannot be used now.

    Raises InvalidInput for a value that it cannot hold, as PostgreSQL does for text with NUL.
    """
    try:
        async with engine.begin() as connection:
            yield connection
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        log.warning("database", error=str(error)[:500])
        raise Unavailable("the database cannot be reached", retry_after_s=2) from error
    except DataError as error:
        log.warning("database", error=str(error)[:500])
        raise InvalidInput("a value cannot be kept in the database") from error


async def take_turns(connection: AsyncConnection, name: str) -> None:
    """Waits until no other transaction is between this call, of equal `name`, and its end."""
    # SQLite's transactions do anyway: they have one connection.
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))


def upsert(engine: AsyncEngine, table: Table, *, replace: tuple[str, ...] = ()) -> Any:
    """An insert that replaces these columns of a row that exists; none: leaves it as it is."""
    insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    statement: Any = insert(table)
    keys = [column.name for column in table.primary_key]
    if not replace:
        return statement.on_conflict_do_nothing(index_elements=keys)
    values = {name: statement.excluded[name] for name in replace}
    return statement.on_conflict_do_update(index_elements=keys, set_=values)


def chunks(values: Sequence[Value]) -> list[Sequence[Value]]:
    """The values in lists short enough for one statement."""
    return [values[start : start + _PARAMETERS] for start in range(0, len(values), _PARAMETERS)]
