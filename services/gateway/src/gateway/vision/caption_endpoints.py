"""Images in words: /api/caption-images, /api/caption-collective-images, /api/caption-models."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from facetkit.errors import InvalidInput
from gateway.errors import documented
from gateway.forms import FormReader
from gateway.multipart import File
from gateway.security import ApiKeyGuard
from gateway.uploads import checked_file
from gateway.vision.caption_batch import caption_all
from gateway.vision.caption_client import CaptionClient
from gateway.vision.caption_domain import CaptionQuestion
from gateway.vision.caption_schemas import (
    CaptionModelsAnswer,
    CaptionsAnswer,
    CollectiveAnswer,
    images_body,
)

SINGLE_PATH = "/api/caption-images"
COLLECTIVE_PATH = "/api/caption-collective-images"
CAPTION_PATHS = (SINGLE_PATH, COLLECTIVE_PATH)
MAX_IMAGES = 32
MAX_TOGETHER = 16
FIELD = "images"
_QUERY = frozenset({"model", "caption_prompt", "flag_caption_prompt"})

Model = Annotated[
    str, Query(description="`blip`, `blip2`, `gemma` or `intern_vlm`; GET /api/caption-models")
]
CollectiveModel = Annotated[str, Query(description="`gemma` or `intern_vlm`")]
CaptionPrompt = Annotated[
    str,
    Query(
        description="The prefix that `blip` and `blip2` continue, the instruction of `gemma` and"
        " `intern_vlm`; at most 2,000 characters"
    ),
]
FlagPrompt = Annotated[
    str,
    Query(
        description="Asked of `gemma` and `intern_vlm` as a question of yes or no; for `blip` and"
        " `blip2` CLIP judges whether it describes the image. At most 2,000 characters"
    ),
]


class CaptionEndpoints:
    """Routes over a CaptionClient."""

    def __init__(self, captions: CaptionClient, max_file_bytes: int, guard: ApiKeyGuard) -> None:
        self._captions = captions
        self._forms = FormReader(max_file_bytes, max_files=MAX_IMAGES, keep_large=True)
        self.router = APIRouter(tags=["captions"], dependencies=[Depends(guard)])
        statuses = documented(400, 401, 413, 415, 422, 429, 501, 503, 504)
        self.router.add_api_route(
            SINGLE_PATH,
            self.each,
            methods=["POST"],
            summary="Caption images, each by itself",
            openapi_extra=images_body(MAX_IMAGES),
            responses=statuses,
        )
        self.router.add_api_route(
            COLLECTIVE_PATH,
            self.together,
            methods=["POST"],
            summary="Caption several images together",
            openapi_extra=images_body(MAX_TOGETHER),
            responses=statuses,
        )
        self.router.add_api_route(
            "/api/caption-models",
            self.models,
            methods=["GET"],
            summary="The captioners, and whether they can answer",
            responses=documented(401, 503, 504),
        )

    async def each(
        self,
        request: Request,
        model: Model = "blip",
        caption_prompt: CaptionPrompt = "",
        flag_caption_prompt: FlagPrompt = "",
    ) -> CaptionsAnswer:
        """A caption with its tags for every image, in request order.

        An image that cannot be captioned has `error` and `code` in place of the caption; where
        all are bad, so is the answer.
        """
        files = await self._images(request, MAX_IMAGES)
        question = CaptionQuestion(model, caption_prompt, flag_caption_prompt)
        return await caption_all(self._captions, files, question)

    async def together(
        self,
        request: Request,
        model: CollectiveModel = "",
        caption_prompt: CaptionPrompt = "",
        flag_caption_prompt: FlagPrompt = "",
    ) -> CollectiveAnswer:
        """One caption of all images. A bad image is named, and nothing is captioned."""
        files = await self._images(request, MAX_TOGETHER)
        images = [checked_file(file, f"{FIELD}[{index}]") for index, file in enumerate(files)]
        question = CaptionQuestion(model, caption_prompt, flag_caption_prompt)
        made = await self._captions.caption_collection(images, question)
        return CollectiveAnswer.of(len(images), made)

    async def models(self) -> CaptionModelsAnswer:
        """What `model` may name."""
        return CaptionModelsAnswer.of(await self._captions.models())

    async def _images(self, request: Request, most: int) -> list[File]:
        form = await self._forms.read(request)
        astray = {name: "must be in the query string" for name in form.texts if name in _QUERY}
        if astray:
            raise InvalidInput(f"'{next(iter(astray))}' must be in the query string", fields=astray)
        files = form.files.get(FIELD, [])
        reason = ""
        if not files:
            reason = "must be sent as files" if FIELD in form.texts else "is required"
        elif len(files) > most:
            reason = f"must be at most {most} files"
        if reason:
            raise InvalidInput(f"'{FIELD}' {reason}", fields={FIELD: reason})
        return files
