"""What callers ask of the captioners, checked, and what they are answered."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from facetkit.errors import InvalidInput, TooLarge
from vision_models.domain import ModelInfo

MAX_IMAGES = 16
MAX_IMAGES_BYTES = 64 * 2**20
MAX_PROMPT_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Prompts:
    """`caption` is the prefix or instruction, `flag` the question; "" where there is none."""

    caption: str = ""
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Captioned:
    """An answer; `cached` says that no model was asked."""

    caption: str
    tags: tuple[str, ...]
    flagged: bool
    cached: bool
    model: ModelInfo


def check_model(key: str, known: Collection[str], field: str = "model") -> None:
    """Raises InvalidInput for a model that is not among the `known` ones."""
    if key not in known:
        choice = f"one of {', '.join(known)}"
        reason = f"must be {choice}" if key else f"is required: {choice}"
        raise InvalidInput(f"'{field}' {reason}", fields={field: reason})


def check_prompts(prompts: Prompts) -> None:
    """Raises InvalidInput for a prompt that is too long."""
    for field, prompt in (
        ("caption_prompt", prompts.caption),
        ("flag_caption_prompt", prompts.flag),
    ):
        if len(prompt) > MAX_PROMPT_CHARS:
            reason = f"must have at most {MAX_PROMPT_CHARS} characters"
            raise InvalidInput(f"'{field}' {reason}", fields={field: reason})


def check_images(images: Sequence[bytes]) -> None:
    """Raises InvalidInput for no image, too many or an empty one, TooLarge for too many bytes."""
    if not 1 <= len(images) <= MAX_IMAGES:
        reason = f"must have 1 to {MAX_IMAGES} elements"
        raise InvalidInput(f"'images' {reason}", fields={"images": reason})
    for index, image in enumerate(images):
        if not image:
            field = f"images[{index}]"
            raise InvalidInput(f"'{field}' is empty", fields={field: "is empty"})
    if sum(map(len, images)) > MAX_IMAGES_BYTES:
        reason = f"are larger than {MAX_IMAGES_BYTES / 2**20:g} MiB together"
        raise TooLarge(f"'images' {reason}", fields={"images": reason})


def digest(image: bytes) -> str:
    """SHA-256 of an encoded image, in hex."""
    return hashlib.sha256(image).hexdigest()


@contextmanager
def naming(field: str) -> Iterator[None]:
    """Says of a bad input within the block that it was in `field`."""
    try:
        yield
    except InvalidInput as error:
        raise type(error)(f"'{field}': {error.message}", fields={field: error.message}) from error
