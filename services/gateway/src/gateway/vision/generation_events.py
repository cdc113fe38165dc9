"""The making of pictures as server-sent events."""

from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from pydantic import BaseModel

from gateway import errors
from gateway.event_streams import Event
from gateway.vision.generation_domain import Generated, GenerationEvent, Progress, Queued
from gateway.vision.generation_schemas import GenerateAnswer, ProgressEvent, QueuedEvent

QUEUED = "queued"
PROGRESS = "progress"
DONE = "done"
ERROR = "error"

Finish = Callable[[Generated], Awaitable[GenerateAnswer]]


async def generation_events(
    happenings: AsyncGenerator[GenerationEvent, None], finish: Finish
) -> AsyncGenerator[Event, None]:
    """An event for each of `happenings`; the last is what `finish` makes of the pictures.

    What fails before the first event is raised; what fails later is the last event.
    """
    begun = False
    try:
        async with aclosing(happenings):
            async for happening in happenings:
                event = await _event(happening, finish)
                begun = True
                yield event
    except Exception as error:
        if not begun:
            raise
        yield Event(None, ERROR, bytes(errors.answer(error).body).decode())


async def _event(happening: GenerationEvent, finish: Finish) -> Event:
    match happening:
        case Queued(position):
            return _encoded(QUEUED, QueuedEvent(position=position))
        case Progress(step, steps, preview):
            shown = b64encode(preview).decode() or None
            return _encoded(PROGRESS, ProgressEvent(step=step, steps=steps, preview=shown))
        case Generated():
            return _encoded(DONE, await finish(happening))


def _encoded(name: str, told: BaseModel) -> Event:
    return Event(None, name, told.model_dump_json(exclude_none=True))
