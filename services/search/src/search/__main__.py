"""Runs search: `python -m search [migrate] [serve]`, both in this order, `serve` by default."""

import asyncio
import sys
from logging import CRITICAL, getLogger
from pathlib import Path

from facetkit import logging
from facetkit.settings import read
from search.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
USAGE = "usage: python -m search [migrate] [serve]"


def main() -> None:
    """Reads the settings, prepares the database where asked to, and serves."""
    steps = sys.argv[1:] or ["serve"]
    if steps not in (["migrate"], ["serve"], ["migrate", "serve"]):
        sys.exit(USAGE)
    settings = read(Settings)
    logging.configure("search", settings.log_level)
    # It logs a traceback for every call that fails; the store logs one line and raises.
    getLogger("pymilvus").setLevel(CRITICAL)
    if "migrate" in steps:
        _migrate(settings)
    if "serve" in steps:
        _serve(settings)


def _migrate(settings: Settings) -> None:
    from sqlalchemy.exc import OperationalError

    from facetkit.errors import FacetError
    from facetkit.migrations import migrate

    try:
        migrate(settings.database, "search", MIGRATIONS)
    except OperationalError as error:
        sys.exit(f"DATABASE_URL: the database cannot be migrated: {error.orig}")
    except FacetError as error:
        sys.exit(f"DATABASE_URL: {error.message}")


def _serve(settings: Settings) -> None:
    # After the settings: pymilvus reads MILVUS_URI by itself when it is imported.
    from search.bootstrap import serve

    asyncio.run(serve(settings, MIGRATIONS))


if __name__ == "__main__":
    main()
