"""An image behind a caller's URL."""

from facetkit.errors import FacetError
from facetkit.fetch import SafeFetcher
from gateway.field_errors import blaming
from gateway.object_urls import ObjectUrls
from gateway.public_objects import PublicObjects
from gateway.uploads import checked_image


class ImageSources:
    """Reads our own objects of at most `max_bytes` from the store, all else through the fetcher."""

    def __init__(
        self, fetcher: SafeFetcher, objects: PublicObjects, urls: ObjectUrls, max_bytes: int
    ) -> None:
        self._fetcher = fetcher
        self._objects = objects
        self._urls = urls
        self._max_bytes = max_bytes

    async def image(self, url: str, field: str) -> bytes:
        """The encoded image at `url`; errors name `field`.

        Raises InvalidInput, NotFound, TooLarge, UnsupportedMedia, Upstream and Deadline.
        """
        with blaming(field, FacetError):
            return checked_image(await self._content(url), field)

    async def _content(self, url: str) -> bytes:
        key = self._urls.key(url)
        if key is not None:
            return (await self._objects.get(key, max_bytes=self._max_bytes)).content
        return (await self._fetcher.fetch(url)).content
