"""Empty and migrated databases of search for tests."""

import shutil
from itertools import count
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL

import search
from facetkit.migrations import migrate
from facetkit.sql import database_url
from search.adapters.tables import METADATA, SCHEMA
from tests.postgres_server import PostgresServer

MIGRATIONS = Path(search.__file__).parent / "migrations"


class Databases(Protocol):
    """Databases of one kind."""

    def empty(self) -> URL:
        """A database without tables."""

    def migrated(self) -> URL:
        """A database at the newest version, with no rows."""


class SqliteDatabases:
    """Files in a folder. Migrated ones are copies of one."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, count(1)
        self._template = self.empty()
        migrate(self._template, SCHEMA, MIGRATIONS)

    def empty(self) -> URL:
        return database_url(f"sqlite:///{self._folder / f'{next(self._numbers)}.db'}")

    def migrated(self) -> URL:
        copy = self.empty()
        shutil.copy(str(self._template.database), str(copy.database))
        return copy


class PostgresDatabases:
    """Databases of one server. The migrated one is always the same, emptied."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._migrated = self.empty()
        migrate(self._migrated, SCHEMA, MIGRATIONS)

    def empty(self) -> URL:
        return self._server.new_database()

    def migrated(self) -> URL:
        tables = ", ".join(f"{SCHEMA}.{table.name}" for table in METADATA.sorted_tables)
        # A test that left a transaction open fails the next one instead of holding it up.
        statement = f"SET lock_timeout = '10s'; TRUNCATE {tables}"
        self._server.execute(str(self._migrated.database), statement)
        return self._migrated
