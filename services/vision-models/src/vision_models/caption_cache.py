"""Captions that were made before: what is kept, under which keys, and who keeps it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

IMAGE_PREFIX = "v1:img:"
COLLECTION_PREFIX = "v1:collection:"
PREFIXES = (IMAGE_PREFIX, COLLECTION_PREFIX)
"""Every key of the cache begins with one of these, and no other key does."""

_VARIANT_DIGITS = 32


@dataclass(frozen=True, slots=True)
class CachedCaption:
    """A caption, its tags, and whether the flag prompt was affirmed."""

    caption: str
    tags: tuple[str, ...]
    flagged: bool


class CaptionCache(Protocol):
    """Captions by key, each for a limited time; what is lost is only computed again."""

    async def get(self, key: str) -> CachedCaption | None:
        """The caption under `key`; None too where the cache fails. Never raises."""

    async def put(self, key: str, value: CachedCaption) -> None:
        """Keeps `value` in place of what was there, if it can. Never raises."""

    async def reset(self) -> int:
        """Forgets every caption; how many there were.

        Raises Unavailable when a shared cache cannot be reached.
        """

    async def close(self) -> None:
        """Lets go of connections."""


class SharedCaptionCache(CaptionCache, Protocol):
    """A cache of several processes, whose get and put raise Unavailable when it fails."""

    async def check(self) -> None:
        """Raises Unavailable unless captions could be written now."""


def image_key(image_sha256: str, variant: str) -> str:
    """The key of one image's caption."""
    return f"{IMAGE_PREFIX}{image_sha256}:{variant}"


def collection_key(image_sha256s: Sequence[str], variant: str) -> str:
    """The key of several images' common caption; their order counts."""
    digest = hashlib.sha256("".join(image_sha256s).encode()).hexdigest()
    return f"{COLLECTION_PREFIX}{digest}:{variant}"


def variant(
    model_name: str,
    model_version: str,
    model_set: str,
    caption_prompt: str,
    flag_prompt: str,
    max_new_tokens: int,
) -> str:
    """32 hex digits for all that the caption depends on beside the images."""
    parts = [model_name, model_version, model_set, caption_prompt, flag_prompt, max_new_tokens]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_VARIANT_DIGITS]


def encode(value: CachedCaption) -> bytes:
    """The value as JSON."""
    return json.dumps(asdict(value)).encode()


def decode(content: bytes | str | None) -> CachedCaption | None:
    """The value that `encode` made into `content`; None for anything else."""
    try:
        found = json.loads(content or b"")
    except (ValueError, RecursionError):
        return None
    match found:
        case {"caption": str(caption), "tags": [*tags], "flagged": bool(flagged)}:
            if all(isinstance(tag, str) for tag in tags):
                return CachedCaption(caption, tuple(tags), flagged)
    return None
