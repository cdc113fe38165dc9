"""POST /upload: an image behind a URL as a vector."""

from fastapi import APIRouter, Depends, Request, Response

from facetkit.errors import InvalidInput
from gateway.documented_example import EXAMPLE_KEY
from gateway.errors import documented
from gateway.field_errors import blaming, parsed
from gateway.forms import FormReader
from gateway.image_sources import ImageSources
from gateway.object_urls import ObjectUrls
from gateway.security import ApiKeyGuard
from gateway.vision.client import VisionClient
from gateway.vision.schemas import UploadAnswer, UploadForm, upload_body


class VisionEndpoints:
    """Routes over a VisionClient."""

    def __init__(
        self,
        vision: VisionClient,
        forms: FormReader,
        sources: ImageSources,
        urls: ObjectUrls,
        guard: ApiKeyGuard,
    ) -> None:
        self._vision = vision
        self._forms = forms
        self._sources = sources
        self.router = APIRouter(tags=["embeddings"], dependencies=[Depends(guard)])
        self.router.add_api_route(
            "/upload",
            self.upload,
            methods=["POST"],
            summary="Embed the image behind a URL",
            openapi_extra=upload_body(urls.url(EXAMPLE_KEY)),
            responses=documented(400, 401, 404, 413, 415, 422, 429, 502, 503, 504),
        )

    async def upload(self, request: Request, response: Response) -> UploadAnswer:
        """Fetches `imageUrl` and answers its embedding.

        The headers `X-Model` and `X-Model-Set` name the model and its set; vectors of different
        models cannot be compared.
        """
        form = parsed(UploadForm, (await self._forms.read(request)).single_texts())
        image = await self._sources.image(form.image_url, "imageUrl")
        with blaming("imageUrl", InvalidInput):
            embedding = await self._vision.embed_image(image)
        response.headers["X-Model"] = embedding.model
        response.headers["X-Model-Set"] = embedding.model_set
        return UploadAnswer(message="Image processed successfully", embedding=embedding.vector)
