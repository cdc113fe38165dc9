"""Runs search."""

import asyncio
from logging import CRITICAL, getLogger

from facetkit import logging
from facetkit.settings import read
from search.settings import Settings


def main() -> None:
    """Reads the settings and serves."""
    settings = read(Settings)
    logging.configure("search", settings.log_level)
    # It logs a traceback for every call that fails; the store logs one line and raises.
    getLogger("pymilvus").setLevel(CRITICAL)
    # After the settings: pymilvus reads MILVUS_URI by itself when it is imported.
    from search.bootstrap import serve

    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
