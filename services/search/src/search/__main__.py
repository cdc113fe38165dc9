"""Runs search."""

import asyncio

from facetkit import logging
from search.bootstrap import serve
from search.settings import Settings


def main() -> None:
    """Reads the settings and serves."""
    settings = Settings()
    logging.configure("search", settings.log_level)
    asyncio.run(serve(settings))


main()
