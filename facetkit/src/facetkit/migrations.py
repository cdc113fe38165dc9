"""Alembic migrations of a service: each has its own folder, schema and version table."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.ext.asyncio import AsyncEngine

from facetkit.errors import NotReady
from facetkit.sql import connection_options, sqlite_file, transaction


def migrate(url: sa.URL, schema: str, folder: Path) -> None:
    """Brings the database to the newest version, all at once or not at all.

    Raises sqlalchemy.exc.OperationalError where it cannot be reached, and NotReady where a newer
    program has migrated it.
    """
    if file := sqlite_file(url):
        file.parent.mkdir(parents=True, exist_ok=True)
        url = url.set(drivername="sqlite")
    engine = sa.create_engine(url, connect_args=connection_options(url, schema))
    try:
        with engine.begin() as connection:
            _enter_schema(connection, schema)
            _refuse_unknown(MigrationContext.configure(connection), schema, folder)
            config = _config(folder)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def run_in(context: EnvironmentContext) -> None:
    """What a folder's env.py does: the migrations, on the connection that `migrate` opened."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def check_newest(engine: AsyncEngine, schema: str, folder: Path) -> None:
    """Raises NotReady where the database is not at the version that the code is written for.

    Raises Unavailable where it cannot be reached.
    """
    in_schema = schema if engine.dialect.name == "postgresql" else None

    def check(connection: sa.Connection) -> str | None:
        options = {"version_table_schema": in_schema}
        context = MigrationContext.configure(connection, opts=options)
        _refuse_unknown(context, schema, folder)
        return context.get_current_revision()

    async with transaction(engine) as connection:
        found = await connection.run_sync(check)
    if found != _scripts(folder).get_current_head():
        raise NotReady(f"the database is not migrated; run: python -m {schema} migrate")


def _refuse_unknown(context: MigrationContext, schema: str, folder: Path) -> None:
    found = context.get_current_revision()
    try:
        _scripts(folder).get_revisions(found or ())
    except CommandError as error:
        raise NotReady(
            f"the database is at version {found}, which this program does not know; with a newer "
            f"one, run: python -m {schema} migrate"
        ) from error


def _scripts(folder: Path) -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(folder))


def _config(folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def _enter_schema(connection: sa.Connection, schema: str) -> None:
    if connection.dialect.name == "sqlite":
        # Python's driver begins a transaction before changes of rows, not of tables.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    # Several pods may start at once.
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(schema))))
    # Asked first: making one takes a right that the owner of a schema need not have.
    if not sa.inspect(connection).has_schema(schema):
        connection.execute(sa.schema.CreateSchema(schema))
    connection.execute(sa.text(f"SET LOCAL search_path TO {schema}"))
