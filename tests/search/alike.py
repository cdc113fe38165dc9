"""Stand-ins by which some contents look alike."""

import numpy as np

from search.domain import Fingerprint, ImageVector
from tests.search.fake_fingerprinter import FakeFingerprinter
from tests.search.fakes import FakeEmbedder, unit

_APART = 0.02


class AlikeFingerprinter(FakeFingerprinter):
    """`ring~1` has the pixels of `ring`; `ring^1` other ones, but the same thumbnail."""

    async def fingerprint(self, content: bytes) -> Fingerprint:
        """As Fingerprinter.fingerprint."""
        pixels = await super().fingerprint(content.partition(b"~")[0])
        thumbnail = await super().fingerprint(_picture(content))
        return Fingerprint(pixels.pixels, thumbnail.perceptual)


class AlikeEmbedder(FakeEmbedder):
    """The vectors of `ring~1` and `ring^1` are close to that of `ring`."""

    async def embed_image(self, content: bytes, *, bulk: bool = False) -> ImageVector:
        """As Embedder.embed_image."""
        found = await super().embed_image(content, bulk=bulk)
        dimensions = self.info.dimensions
        vector = unit(_picture(content), dimensions) + _APART * unit(content, dimensions)
        vector = (vector / np.linalg.norm(vector)).astype(np.float32)
        return ImageVector(vector, found.width, found.height, found.content_type, found.model)


def _picture(content: bytes) -> bytes:
    return content.partition(b"~")[0].partition(b"^")[0]
