"""A gRPC proxy in front of Milvus that watches which calls are on their way at once."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

WRITES = frozenset({"Upsert", "Delete", "Flush", "CreateCollection", "DropCollection"})
ALIASES = frozenset({"CreateAlias", "AlterAlias"})


class MilvusProxy(grpc.GenericRpcHandler):
    """Hands every unary call on. `uri` is where it listens."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel
        self._writing = 0
        self.uri = ""
        self.calls: Counter[str] = Counter()
        self.most_writes_at_once = 0

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """The handler of one method."""
        path = str(handler_call_details.method)
        forward: Any = self._channel.unary_unary(path)
        name = path.rpartition("/")[2]

        async def handle(request: bytes, context: Any) -> bytes:
            writes = name in WRITES | ALIASES
            self.calls[name] += 1
            self._writing += writes
            self.most_writes_at_once = max(self.most_writes_at_once, self._writing)
            try:
                response: bytes = await forward(request)
            except grpc.aio.AioRpcError as error:
                await context.abort(error.code(), error.details() or "")
            finally:
                self._writing -= writes
            return response

        return grpc.unary_unary_rpc_method_handler(handle)


@asynccontextmanager
async def proxied(uri: str) -> AsyncIterator[MilvusProxy]:
    """A proxy of the Milvus at `uri`."""
    async with grpc.aio.insecure_channel(uri.removeprefix("http://")) as channel:
        proxy = MilvusProxy(channel)
        server = grpc.aio.server(handlers=[proxy])
        proxy.uri = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        yield proxy
        await server.stop(None)
