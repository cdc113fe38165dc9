"""A stand-in for the fingerprinter that passes the part of its contract that needs no decoder."""

import hashlib

import numpy as np

from facetkit.errors import InvalidInput, UnsupportedMedia
from search import perceptual
from search.domain import Fingerprint


class FakeFingerprinter:
    """Fingerprints from content hashes: two contents never look alike.

    Contents that begin with `bad` are not images.
    """

    async def fingerprint(self, content: bytes) -> Fingerprint:
        """A fingerprint that depends on the content alone."""
        if not content:
            raise InvalidInput("the image is empty")
        if content.startswith(b"bad"):
            raise UnsupportedMedia("the content is not a JPEG, PNG or WebP image")
        digest = hashlib.sha256(content)
        random = np.random.default_rng(int.from_bytes(digest.digest()[:8], "big"))
        shape = (perceptual.SIDE, perceptual.SIDE, 3)
        thumbnail = random.integers(0, 256, shape, dtype=np.uint8)
        return Fingerprint(digest.hexdigest(), perceptual.pack(thumbnail))
