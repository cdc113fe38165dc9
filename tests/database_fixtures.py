"""Databases of search as a plugin of tests: SQLite, and PostgreSQL in slow tests."""

from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from facetkit.sql import connect
from search.adapters.tables import SCHEMA
from tests.databases import Databases, PostgresDatabases, SqliteDatabases
from tests.postgres_server import PostgresServer

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def mortal_server() -> Iterator[PostgresServer]:
    """A server of its own for a test that kills it."""
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: PostgresServer) -> PostgresDatabases:
    return PostgresDatabases(postgres_server)


@pytest.fixture(params=KINDS)
def databases(request: pytest.FixtureRequest) -> Databases:
    """Each kind of database."""
    made: Databases = request.getfixturevalue(
        "sqlite_databases" if request.param == "sqlite" else "postgres_databases"
    )
    return made


@pytest.fixture
def url(databases: Databases) -> URL:
    """A database of its own for each test, migrated."""
    return databases.migrated()


@pytest.fixture
async def engine(url: URL) -> AsyncIterator[AsyncEngine]:
    """The database as one process of search has it."""
    made = connect(url, SCHEMA)
    yield made
    await made.dispose()


@pytest.fixture
async def other_engine(url: URL, engine: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    """The same database as another process has it; a file of SQLite has one process."""
    if engine.dialect.name == "sqlite":
        yield engine
        return
    made = connect(url, SCHEMA)
    yield made
    await made.dispose()
