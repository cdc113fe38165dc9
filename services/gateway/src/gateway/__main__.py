"""Runs the gateway."""

import asyncio
import contextlib
import math
import os
import socket
from logging import ERROR, getLogger

import structlog
import uvicorn
import uvloop

from facetkit import logging, metrics
from facetkit.memory import keep_trimmed
from facetkit.settings import read
from gateway.app import create_app
from gateway.clients import connect
from gateway.event_streams import EventStreams
from gateway.server import Server
from gateway.settings import Settings

log = structlog.get_logger(__name__)

KEEP_ALIVE_S = 30


def main() -> None:
    """Reads the settings and serves; what keeps it from starting is told in one line, exit 1."""
    settings = read(Settings)
    logging.configure("gateway", settings.log_level)
    # It warns of every broken form that somebody sends.
    getLogger("python_multipart").setLevel(ERROR)
    listener = listen(settings.host, settings.port)
    serve_metrics(settings)
    with (
        contextlib.suppress(KeyboardInterrupt),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(serve(settings, listener))


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 chooses one. Exits when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise _cannot_listen(host, port, error) from None


def serve_metrics(settings: Settings) -> None:
    """Serves metrics on a port of their own. Exits when it cannot be had."""
    try:
        metrics.serve(settings.metrics_host, settings.metrics_port)
    except OSError as error:
        raise _cannot_listen(settings.metrics_host, settings.metrics_port, error) from None


async def serve(settings: Settings, listener: socket.socket) -> None:
    """Runs the app on `listener` until a signal ends it."""
    streams = EventStreams()
    config = uvicorn.Config(
        create_app(settings, connect(settings), streams),
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=math.ceil(settings.grace_s),
    )
    log.info("listening", host=settings.host, port=listener.getsockname()[1])
    trimming = asyncio.create_task(keep_trimmed())
    await Server(config, streams).serve([listener])
    trimming.cancel()


def _cannot_listen(host: str, port: int, error: OSError) -> SystemExit:
    reason = os.strerror(error.errno) if error.errno else error
    return SystemExit(f"gateway: cannot listen on {host}:{port}: {reason}")


if __name__ == "__main__":
    main()
