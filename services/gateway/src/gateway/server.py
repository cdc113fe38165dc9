"""The HTTP server."""

import socket

import uvicorn

from gateway.event_streams import EventStreams


class Server(uvicorn.Server):
    """Ends `streams` when it stops, before it waits for all answers to be complete."""

    def __init__(self, config: uvicorn.Config, streams: EventStreams) -> None:
        super().__init__(config)
        self._streams = streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's."""
        self._streams.end()
        await super().shutdown(sockets)
