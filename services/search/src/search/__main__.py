"""Runs search."""

import asyncio
from logging import CRITICAL, getLogger

from facetkit import logging
from search.bootstrap import serve
from search.settings import Settings


def main() -> None:
    """Reads the settings and serves."""
    settings = Settings()
    logging.configure("search", settings.log_level)
    # It logs a traceback for every call that fails; the store logs one line and raises.
    getLogger("pymilvus").setLevel(CRITICAL)
    asyncio.run(serve(settings))


main()
