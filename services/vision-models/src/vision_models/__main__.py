"""Runs vision-models."""

import asyncio

from facetkit import logging
from facetkit.settings import read
from vision_models.bootstrap import serve
from vision_models.settings import Settings


def main() -> None:
    """Reads the settings and serves."""
    settings = read(Settings)
    logging.configure("vision-models", settings.log_level)
    asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
