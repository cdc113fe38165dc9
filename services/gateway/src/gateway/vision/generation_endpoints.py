"""POST /generate: pictures from words."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from facetkit import deadlines
from gateway.errors import documented
from gateway.event_streams import EventStreams
from gateway.json_bodies import read_json
from gateway.security import ApiKeyGuard
from gateway.vision.client import VisionClient
from gateway.vision.generation_answers import generate_answer
from gateway.vision.generation_body import generate_body
from gateway.vision.generation_client import GenerationClient
from gateway.vision.generation_events import generation_events
from gateway.vision.generation_requests import GenerationRequest, generation_request
from gateway.vision.generation_schemas import GenerateAnswer, generate_events

GENERATE_PATH = "/generate"
AFTERWARDS_S = 10.0
"""What the request's deadline leaves once the pictures' has passed: to analyse and to answer."""

Stream = Annotated[bool, Query(description="Whether the way there is told as server-sent events")]


class GenerationEndpoints:
    """The route over a GenerationClient and a VisionClient; pictures are made in `deadline_s`."""

    def __init__(
        self,
        generation: GenerationClient,
        vision: VisionClient,
        streams: EventStreams,
        guard: ApiKeyGuard,
        *,
        deadline_s: float,
        max_body_bytes: int,
        max_image_bytes: int,
    ) -> None:
        self._generation = generation
        self._vision = vision
        self._streams = streams
        self._deadline_s = deadline_s
        self._max_body_bytes = max_body_bytes
        self._max_image_bytes = max_image_bytes
        self.router = APIRouter(tags=["generation"], dependencies=[Depends(guard)])
        self.router.add_api_route(
            GENERATE_PATH,
            self.generate,
            methods=["POST"],
            response_model=GenerateAnswer,
            response_model_exclude_none=True,
            summary="Generate pictures",
            openapi_extra=generate_body(),
            responses={
                **generate_events(),
                **documented(400, 401, 413, 415, 422, 429, 501, 503, 504),
            },
        )

    async def generate(
        self, request: Request, stream: Stream = False
    ) -> GenerateAnswer | StreamingResponse:
        """Pictures of what `prompt` says, and what CLIP sees in the first of them.

        With `?stream=true` the answer is server-sent events: `queued` (how many pictures come
        before), `progress` (step i of n, now and then with a preview), and as the last `done`
        (the answer) or `error` (the error's body). A comment comes at least each 15 s. What can
        be refused at once is, by status. Closing the connection cancels the work.

        The demo models compute pictures of at most 128 pixels a side and resize them; see
        `native_width` and `native_height`.
        """
        async with deadlines.within(self._deadline_s):
            asked = await self._asked(request)
            finish = partial(generate_answer, self._vision, asked)
            if stream:
                happenings = self._generation.events(asked.parameters)
                return await self._streams.begun_answer(generation_events(happenings, finish))
            made = await self._generation.generate(asked.parameters)
        return await finish(made)

    async def _asked(self, request: Request) -> GenerationRequest:
        body = await read_json(request, self._max_body_bytes)
        return generation_request(body, self._max_image_bytes)
