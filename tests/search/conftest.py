"""Search over stand-ins, for the tests of what it does."""

from collections.abc import AsyncIterator

import pytest

from search.adapters.database import Database
from tests.databases import SqliteDatabases
from tests.search.fakes import FakeEmbedder, MemoryCollections
from tests.search.parts import Parts, connected, running
from tests.search.watched_objects import WatchedObjects


@pytest.fixture(scope="session")
def search_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


@pytest.fixture
async def database(search_databases: SqliteDatabases) -> AsyncIterator[Database]:
    async with connected(search_databases.migrated()) as made:
        yield made


@pytest.fixture
def objects() -> WatchedObjects:
    return WatchedObjects()


@pytest.fixture
def collections() -> MemoryCollections:
    return MemoryCollections()


@pytest.fixture
def embedder() -> FakeEmbedder:
    return FakeEmbedder()


@pytest.fixture
async def parts(
    database: Database,
    objects: WatchedObjects,
    collections: MemoryCollections,
    embedder: FakeEmbedder,
) -> AsyncIterator[Parts]:
    async with running(Parts(database, objects, collections, [embedder])) as made:
        yield made
