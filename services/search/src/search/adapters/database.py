"""The database of search, opened when it is there and at the right version."""

from pathlib import Path

from sqlalchemy import URL

from facetkit.file_lock import FileLock
from facetkit.migrations import check_newest
from facetkit.sql import connect, sqlite_file
from search.adapters.tables import SCHEMA


class Database:
    """`engine` may be used once `open` has returned."""

    def __init__(self, url: URL, migrations: Path) -> None:
        self.engine = connect(url, SCHEMA)
        self._migrations = migrations
        file = sqlite_file(url)
        self._lock = FileLock(file) if file else None

    async def open(self) -> None:
        """Takes the file, if it is one, and checks the version. Raises NotReady, Unavailable."""
        if self._lock:
            self._lock.acquire()
        await check_newest(self.engine, SCHEMA, self._migrations)

    async def close(self) -> None:
        """Closes the connections and lets go of the file."""
        await self.engine.dispose()
        if self._lock:
            self._lock.release()
