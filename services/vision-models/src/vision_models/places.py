"""Places in memory, one per model: who holds them, and which is given away next."""

import asyncio
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

Model = TypeVar("Model")


class ModelState(Enum):
    """Where a model is between disk and memory."""

    UNLOADED = "unloaded"
    LOADING = "loading"
    LOADED = "loaded"
    NOT_READY = "not_ready"


@dataclass(slots=True, eq=False)
class Place(Generic[Model]):
    """One model's place; without `model` while it is being loaded, or already `leaving`.

    A place that is `draining` takes no further callers.
    """

    name: str
    model: Model | None = None
    leases: int = 0
    used_at: float = field(default_factory=time.monotonic)
    draining: bool = False
    leaving: bool = False

    @property
    def open(self) -> bool:
        """Whether callers may have it."""
        return self.model is not None and not self.draining and not self.leaving

    @property
    def idle(self) -> bool:
        """Whether nobody would miss the model."""
        return self.model is not None and not self.leases and not self.leaving

    @property
    def state(self) -> ModelState:
        """Where its model is."""
        if self.leaving:
            return ModelState.UNLOADED
        return ModelState.LOADING if self.model is None else ModelState.LOADED


@dataclass(slots=True, eq=False)
class Waiter(Generic[Model]):
    """A caller that waits for the place of `name`."""

    name: str
    place: "asyncio.Future[Place[Model]]"


def drain(
    places: Iterable[Place[Model]], wanted: int, pinned: Collection[str]
) -> list[Place[Model]]:
    """Marks the places that make room for `wanted` models; those that can go at once.

    Idle ones go before busy ones, the least recently used first. Places that are on their way
    out count, and nothing stays marked that is no longer needed.
    """
    present = list(places)
    wanted -= sum(place.leaving for place in present)
    movable = [p for p in present if p.model is not None and not p.leaving and p.name not in pinned]
    movable.sort(key=lambda place: (place.leases > 0, place.used_at))
    for index, place in enumerate(movable):
        place.draining = index < wanted
    return [place for place in movable if place.draining and place.idle]
