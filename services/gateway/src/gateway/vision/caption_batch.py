"""Several images captioned side by side: a bad one takes nothing from the others."""

import asyncio
from collections.abc import Sequence

from facetkit.errors import FacetError, InvalidInput, kind_of
from gateway.multipart import File
from gateway.uploads import checked_file
from gateway.vision.caption_client import CaptionClient
from gateway.vision.caption_domain import Caption, CaptionQuestion
from gateway.vision.caption_schemas import CaptionAnswer, CaptionFailure, CaptionsAnswer

_IN_FLIGHT = 8
_IMAGE_FIELDS = frozenset({"image"})

Outcome = Caption | FacetError


async def caption_all(
    client: CaptionClient, files: Sequence[File], question: CaptionQuestion
) -> CaptionsAnswer:
    """Every image's caption or error.

    Raises the error where no image has a caption: as it is where it is about the request or the
    mesh, else as one that names each image.
    """
    turns = asyncio.Semaphore(_IN_FLIGHT)
    outcomes = await asyncio.gather(
        *(_outcome(client, file, question, turns, index) for index, file in enumerate(files))
    )
    made = next((outcome for outcome in outcomes if isinstance(outcome, Caption)), None)
    if made is None:
        raise _combined([outcome for outcome in outcomes if isinstance(outcome, FacetError)])
    results = [_result(file, outcome) for file, outcome in zip(files, outcomes, strict=True)]
    return CaptionsAnswer(results=results, model=made.model, model_set=made.model_set)


async def _outcome(
    client: CaptionClient,
    file: File,
    question: CaptionQuestion,
    turns: asyncio.Semaphore,
    index: int,
) -> Outcome:
    try:
        checked_file(file, f"images[{index}]")
        async with turns:
            return await client.caption_image(file.content, question)
    except FacetError as error:
        return error


def _result(file: File, outcome: Outcome) -> CaptionAnswer | CaptionFailure:
    if isinstance(outcome, Caption):
        return CaptionAnswer.of(file.name, outcome)
    return CaptionFailure(filename=file.name, error=outcome.message, code=kind_of(outcome).code)


def _combined(errors: Sequence[FacetError]) -> FacetError:
    others = [error for error in errors if not _about_an_image(error)]
    if others:
        return others[0]
    kinds = {type(error) for error in errors}
    fields = {f"images[{index}]": error.message for index, error in enumerate(errors)}
    message = (
        errors[0].message if len(errors) == 1 else f"no image can be captioned: {errors[0].message}"
    )
    kind = kinds.pop() if len(kinds) == 1 else InvalidInput
    return kind(message, fields=fields)


def _about_an_image(error: FacetError) -> bool:
    named = {field.partition("[")[0].removesuffix("s") for field in error.fields}
    return isinstance(error, InvalidInput) and named <= _IMAGE_FIELDS
