"""The gateway's view of Stable Diffusion."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from facet.vision.v1 import generation_pb2, generation_pb2_grpc, serving_pb2
from facetkit.client import RpcClient
from facetkit.errors import Unavailable
from gateway.vision.generation_domain import (
    Generated,
    GeneratedImage,
    GenerationEvent,
    GenerationParameters,
    Progress,
    Queued,
)

GENERATION_SERVICE = generation_pb2.DESCRIPTOR.services_by_name["GenerationService"].full_name


class GenerationClient:
    """The Generation family through `rpc`; errors come back as the FacetError that was raised."""

    def __init__(self, rpc: RpcClient) -> None:
        self.rpc = rpc
        self._stub = generation_pb2_grpc.GenerationServiceStub(rpc.channel)

    async def generate(self, parameters: GenerationParameters) -> Generated:
        """The pictures."""
        async with aclosing(self.events(parameters, previews=False)) as events:
            *_, last = [event async for event in events]
        assert isinstance(last, Generated)
        return last

    async def events(
        self, parameters: GenerationParameters, *, previews: bool = True
    ) -> AsyncGenerator[GenerationEvent, None]:
        """What happens until the pictures are there, which come last; closing cancels the call."""
        request = _request(parameters, previews=previews)
        event: GenerationEvent | None = None
        async with aclosing(self.rpc.stream(self._stub.GenerateImages, request)) as responses:
            async for response in responses:
                if (event := _event(response)) is not None:
                    yield event
        if not isinstance(event, Generated):
            raise Unavailable("the call ended before the pictures were made", retry_after_s=1.0)


def _request(
    parameters: GenerationParameters, *, previews: bool
) -> generation_pb2.GenerateImagesRequest:
    return generation_pb2.GenerateImagesRequest(
        prompt=parameters.prompt,
        negative_prompt=parameters.negative_prompt,
        steps=parameters.steps,
        guidance_scale=parameters.guidance_scale,
        width=parameters.width,
        height=parameters.height,
        seed=parameters.seed,
        count=parameters.count,
        scheduler=parameters.scheduler,
        init_image=parameters.init_image,
        strength=parameters.strength,
        previews=previews,
        lane=serving_pb2.LANE_INTERACTIVE,
    )


def _event(response: generation_pb2.GenerateImagesResponse) -> GenerationEvent | None:
    """None for a kind of event that is newer than this gateway."""
    match response.WhichOneof("event"):
        case "queued":
            return Queued(response.queued.position)
        case "progress":
            progress = response.progress
            return Progress(progress.step, progress.steps, progress.preview)
        case "generated":
            return _generated(response.generated)
    return None


def _generated(generated: generation_pb2.Generated) -> Generated:
    return Generated(
        images=[GeneratedImage(image.png, image.seed) for image in generated.images],
        model=generated.model.name,
        model_set=generated.model.model_set,
        scheduler=generated.scheduler,
        native_width=generated.native_width,
        native_height=generated.native_height,
        prompt_cut=generated.prompt_cut,
    )
