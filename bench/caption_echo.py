"""The echo: a CaptionService that answers a constant at once, without a look at the image.

Argument: the port to listen on.
"""

import asyncio
import sys
from typing import Any

from facet.vision.v1 import caption_pb2, caption_pb2_grpc, serving_pb2
from facetkit import logging
from facetkit.client import MAX_LARGE_MESSAGE_BYTES
from facetkit.health import Health
from facetkit.server import FacetServer, ServerLimits

SERVICE_NAME = caption_pb2.DESCRIPTOR.services_by_name["CaptionService"].full_name
ANSWER = caption_pb2.CaptionImageResponse(
    caption=" ".join(f"word{number}" for number in range(20)),
    tags=[f"word{number}" for number in range(10)],
    cached=True,
    model=serving_pb2.ModelInfo(name="echo", model_set="full"),
)


class EchoServicer(caption_pb2_grpc.CaptionServiceServicer):
    """The same caption for everything."""

    async def ListCaptionModels(
        self, request: caption_pb2.ListCaptionModelsRequest, context: Any
    ) -> caption_pb2.ListCaptionModelsResponse:
        """No model at all."""
        return caption_pb2.ListCaptionModelsResponse()

    async def CaptionImage(
        self, request: caption_pb2.CaptionImageRequest, context: Any
    ) -> caption_pb2.CaptionImageResponse:
        """The constant."""
        return ANSWER

    async def CaptionCollection(
        self, request: caption_pb2.CaptionCollectionRequest, context: Any
    ) -> caption_pb2.CaptionCollectionResponse:
        """Nothing; it is not asked."""
        return caption_pb2.CaptionCollectionResponse()

    async def ResetCaptionCache(
        self, request: caption_pb2.ResetCaptionCacheRequest, context: Any
    ) -> caption_pb2.ResetCaptionCacheResponse:
        """Nothing; it is not asked."""
        return caption_pb2.ResetCaptionCacheResponse()


async def serve(port: int) -> None:
    """Answers until a signal ends it."""
    server = FacetServer(ServerLimits(max_message_bytes=MAX_LARGE_MESSAGE_BYTES))
    add = caption_pb2_grpc.add_CaptionServiceServicer_to_server
    await server.register(SERVICE_NAME, add, EchoServicer())
    await server.start(f"127.0.0.1:{port}")
    await server.health.report(SERVICE_NAME, Health(ready=True))
    await server.run_until_signal(drain_s=0, grace_s=1)


if __name__ == "__main__":
    logging.configure("echo", "INFO")
    asyncio.run(serve(int(sys.argv[1])))
