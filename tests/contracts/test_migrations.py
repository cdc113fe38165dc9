"""One contract for migrations on every database, with the database opened as search opens it."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from facetkit.errors import NotReady, Unavailable
from facetkit.migrations import check_newest, migrate
from facetkit.sql import connect, database_url, transaction
from search.adapters.database import Database
from search.adapters.tables import METADATA, SCHEMA
from tests.databases import MIGRATIONS, Databases
from tests.ports import free_port

pytest_plugins = ("tests.database_fixtures",)

COMMAND = "python -m search migrate"
SECOND = '''
"""A second version."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table("second", sa.Column("id", sa.Integer, primary_key=True))
    op.add_column("models", sa.Column("added", sa.Text))
    op.execute("INSERT INTO second VALUES (1)")
    op.drop_table("pairs")
'''
MIGRATE_WHEN_TOLD = """
import sys
from pathlib import Path
import alembic.command, psycopg, sqlite3
from facetkit.migrations import migrate
from facetkit.sql import database_url
print("ready", flush=True)
sys.stdin.read()
migrate(database_url(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
"""


@pytest.fixture
def empty(databases: Databases) -> URL:
    return databases.empty()


@pytest.fixture
async def fresh(empty: URL) -> AsyncIterator[AsyncEngine]:
    """The empty database, connected."""
    made = connect(empty, SCHEMA)
    yield made
    await made.dispose()


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """Migrations with a second version."""
    folder = tmp_path / "a folder with 100% more"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "0002_second.py").write_text(SECOND)
    return folder


def in_schema(connection: sa.Connection) -> str | None:
    return SCHEMA if connection.dialect.name == "postgresql" else None


async def inspected(engine: AsyncEngine) -> dict[str, list[str]]:
    """The columns of each table."""

    def look(connection: sa.Connection) -> dict[str, list[str]]:
        found = sa.inspect(connection).get_multi_columns(schema=in_schema(connection))
        return {
            str(name): [column["name"] for column in columns]
            for (_, name), columns in found.items()
        }

    async with engine.connect() as connection:
        return await connection.run_sync(look)


async def test_the_migrated_schema_is_that_of_the_tables(empty: URL, fresh: AsyncEngine) -> None:
    migrate(empty, SCHEMA, MIGRATIONS)

    def differences(connection: sa.Connection) -> list[Any]:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text(f"SET search_path TO {SCHEMA}"))
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, METADATA))

    async with fresh.connect() as connection:
        assert await connection.run_sync(differences) == []


@pytest.mark.slow
async def test_texts_that_sort_by_bytes_in_the_tables_do_so_in_the_database(
    postgres_databases: Databases,
) -> None:
    engine = connect(postgres_databases.migrated(), SCHEMA)
    statement = sa.text(
        "SELECT table_name || '.' || column_name FROM information_schema.columns "
        "WHERE table_schema = :schema AND collation_name = 'C'"
    )
    expected = {
        f"{table.name}.{column.name}"
        for table in METADATA.sorted_tables
        for column in table.columns
        if getattr(column.type.dialect_impl(engine.dialect), "collation", None) == "C"
    }
    async with transaction(engine) as connection:
        found = set((await connection.execute(statement, {"schema": SCHEMA})).scalars())
    await engine.dispose()
    assert "objects.key" in expected
    assert found == expected


async def test_migrating_again_changes_nothing(empty: URL, fresh: AsyncEngine) -> None:
    migrate(empty, SCHEMA, MIGRATIONS)
    async with transaction(fresh) as connection:
        row = {"collection": "c", "image_id": "i"}
        await connection.execute(METADATA.tables["holdings"].insert().values(row))
    before = await inspected(fresh)
    migrate(empty, SCHEMA, MIGRATIONS)
    await check_newest(fresh, SCHEMA, MIGRATIONS)
    assert await inspected(fresh) == before
    async with transaction(fresh) as connection:
        rows = (await connection.execute(METADATA.tables["holdings"].select())).all()
    assert rows == [("c", "i")]


async def test_a_migration_that_fails_leaves_the_old_state_whole(
    empty: URL, fresh: AsyncEngine, newer: Path
) -> None:
    migrate(empty, SCHEMA, MIGRATIONS)
    before = await inspected(fresh)
    bad = newer / "versions" / "0002_second.py"
    bad.write_text(f'{SECOND}    op.drop_table("none")\n')
    with pytest.raises(sa.exc.DBAPIError):
        migrate(empty, SCHEMA, newer)
    assert await inspected(fresh) == before
    await check_newest(fresh, SCHEMA, MIGRATIONS)
    bad.write_text(SECOND)
    migrate(empty, SCHEMA, newer)
    found = await inspected(fresh)
    assert (found["second"], "pairs" in found, "added" in found["models"]) == (["id"], False, True)


async def test_a_first_migration_that_fails_leaves_nothing(
    empty: URL, fresh: AsyncEngine, newer: Path
) -> None:
    (newer / "versions" / "0002_second.py").write_text(f'{SECOND}    op.drop_table("none")\n')
    with pytest.raises(sa.exc.DBAPIError):
        migrate(empty, SCHEMA, newer)
    assert await inspected(fresh) == {}


async def test_migrations_at_once_come_one_after_the_other(empty: URL, fresh: AsyncEngine) -> None:
    processes = 3
    together = asyncio.Barrier(processes)

    async def migrating() -> tuple[int | None, bytes]:
        arguments = (empty.render_as_string(), SCHEMA, str(MIGRATIONS))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", MIGRATE_WHEN_TOLD, *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout
        await process.stdout.readline()
        await together.wait()
        _, errors = await process.communicate(b"go")
        return process.returncode, errors

    ended = await asyncio.gather(*(migrating() for _ in range(processes)))
    assert ended == [(0, b"")] * processes
    await check_newest(fresh, SCHEMA, MIGRATIONS)


async def test_a_database_without_tables_is_not_ready(empty: URL) -> None:
    database = Database(empty, MIGRATIONS)
    with pytest.raises(NotReady, match=COMMAND):
        await database.open()
    migrate(empty, SCHEMA, MIGRATIONS)
    await database.open()
    await database.close()


async def test_an_older_database_is_not_ready(url: URL, newer: Path) -> None:
    database = Database(url, newer)
    with pytest.raises(NotReady, match=f"the database is not migrated; run: {COMMAND}"):
        await database.open()
    await database.close()


async def test_a_newer_database_is_not_ready_and_is_left_alone(
    empty: URL, fresh: AsyncEngine, newer: Path
) -> None:
    migrate(empty, SCHEMA, newer)
    before = await inspected(fresh)
    message = f"at version 0002, which this program does not know; with a newer one, run: {COMMAND}"
    database = Database(empty, MIGRATIONS)
    with pytest.raises(NotReady, match=message):
        await database.open()
    await database.close()
    with pytest.raises(NotReady, match=message):
        migrate(empty, SCHEMA, MIGRATIONS)
    assert await inspected(fresh) == before


async def test_a_second_process_on_the_same_file_is_not_ready(
    sqlite_databases: Databases,
) -> None:
    url = sqlite_databases.migrated()
    first, second = Database(url, MIGRATIONS), Database(url, MIGRATIONS)
    await first.open()
    await first.open()
    with pytest.raises(NotReady, match=f"another process uses {url.database}$"):
        await second.open()
    program = (
        "import sys; from pathlib import Path; from facetkit.file_lock import FileLock; "
        "FileLock(Path(sys.argv[1])).acquire()"
    )
    command = [sys.executable, "-c", program, str(url.database)]
    other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f"NotReady: another process uses {url.database}" in other.stderr
    await first.close()
    await second.open()
    with pytest.raises(NotReady):
        await first.open()
    await second.close()
    await first.open()
    await first.close()


async def test_a_file_that_was_closed_holds_all_that_was_written(
    sqlite_databases: Databases,
) -> None:
    url = sqlite_databases.migrated()
    database = Database(url, MIGRATIONS)
    await database.open()
    async with transaction(database.engine) as connection:
        row = {"collection": "c", "image_id": "i"}
        await connection.execute(METADATA.tables["holdings"].insert().values(row))
    await database.close()
    file = Path(str(url.database))
    assert not file.with_name(f"{file.name}-wal").exists()


async def test_a_database_that_is_away_is_unavailable() -> None:
    url = database_url(f"postgresql://facet@127.0.0.1:{free_port()}/facet")
    database = Database(url, MIGRATIONS)
    with pytest.raises(Unavailable, match="the database cannot be reached"):
        await database.open()
    await database.close()
    with pytest.raises(OperationalError):
        migrate(url, SCHEMA, MIGRATIONS)


@pytest.mark.slow
async def test_the_owner_of_the_schema_needs_no_right_to_make_one(
    postgres_databases: Databases,
) -> None:
    url = postgres_databases.empty()
    admin = connect(url, SCHEMA)
    async with transaction(admin) as connection:
        for statement in (
            "CREATE ROLE modest LOGIN",
            f"CREATE SCHEMA {SCHEMA} AUTHORIZATION modest",
        ):
            await connection.execute(sa.text(statement))
    modest = url.set(username="modest")
    migrate(modest, SCHEMA, MIGRATIONS)
    engine = connect(modest, SCHEMA)
    await check_newest(engine, SCHEMA, MIGRATIONS)
    await engine.dispose()
    await admin.dispose()
