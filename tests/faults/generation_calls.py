"""A caller of the pictures that vision-models draws."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from facet.vision.v1 import generation_pb2, generation_pb2_grpc
from facetkit.client import RpcClient

SERVICE_NAME = "facet.vision.v1.GenerationService"
CALL_S = 120
Response = generation_pb2.GenerateImagesResponse


class GenerationCalls:
    """The Generation family at the other end of `rpc`."""

    def __init__(self, rpc: RpcClient) -> None:
        self.rpc = rpc
        self._stub = generation_pb2_grpc.GenerationServiceStub(rpc.channel)

    def events(self, **asked: object) -> AsyncGenerator[Response, None]:
        """What happens to a picture of 128 pixels; `asked` are fields of the request."""
        fields = {"prompt": "a ring", "steps": 10, "guidance_scale": 7.5, "count": 1, "seed": 1}
        sizes = {"width": 128, "height": 128}
        request = generation_pb2.GenerateImagesRequest(**fields | sizes | asked)  # type: ignore[arg-type]
        return self.rpc.stream(self._stub.GenerateImages, request, timeout_s=CALL_S)

    async def draw(self, **asked: object) -> npt.NDArray[np.int64]:
        """The picture's samples."""
        async with aclosing(self.events(**asked)) as events:
            *_, last = [event async for event in events]
        return pixels(last.generated.images[0].png)


def pixels(png: bytes) -> npt.NDArray[np.int64]:
    """The samples of an encoded picture."""
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(np.int64)
