"""Models in memory: a bounded number, loaded once for all who wait for them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Any, Generic, TypeVar

import structlog

from facetkit.errors import FacetError, NotReady
from vision_models.places import ModelState, Place, Waiter, drain

log = structlog.get_logger(__name__)

Model = TypeVar("Model")

RETRY_S = 30.0


class ModelPool(Generic[Model]):
    """At most `capacity` models in memory; those of `pinned` never leave it.

    `load` runs in a thread, one model at a time; `unload` is awaited before the place is given
    away. Where all places are taken, the least recently used model takes no further callers and
    goes when the last one has left. `ttl_s` says after how many idle seconds a model is
    unloaded; without an entry it stays.
    """

    def __init__(
        self,
        load: Callable[[str], Model],
        unload: Callable[[Model], Awaitable[None]],
        *,
        capacity: int,
        pinned: Iterable[str] = (),
        ttl_s: Mapping[str, float] | None = None,
    ) -> None:
        self._load = load
        self._unload = unload
        self._capacity = capacity
        self._pinned = frozenset(pinned)
        self._ttl_s = dict(ttl_s or {})
        self._places: dict[str, Place[Model]] = {}
        self._waiters: list[Waiter[Model]] = []
        self._failures: dict[str, tuple[str, float]] = {}
        self._loader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="loader")
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[Model]:
        """The model, in memory as long as the block runs.

        Raises NotReady with the reason when it cannot be loaded; for a while it is not tried
        again.
        """
        place = await self._enter(name)
        try:
            assert place.model is not None
            yield place.model
        finally:
            self._leave(place)

    def state(self, name: str) -> ModelState:
        """Where the model is."""
        if name in self._places:
            return self._places[name].state
        return ModelState.NOT_READY if name in self._failures else ModelState.UNLOADED

    def reason(self, name: str) -> str:
        """Why the model could not be loaded; empty where it could, or was not asked for."""
        return self._failures[name][0] if name in self._failures else ""

    def unload_idle(self) -> None:
        """Begins to unload what has been idle for longer than its time."""
        now = time.monotonic()
        for place in list(self._places.values()):
            ttl_s = self._ttl_s.get(place.name)
            expired = ttl_s is not None and now - place.used_at > ttl_s
            if expired and place.idle and place.name not in self._pinned:
                self._begin_unloading(place)

    async def close(self) -> None:
        """Fails who waits; what is in memory stays there."""
        for waiter in self._waiters:
            waiter.place.set_exception(NotReady("the service is stopping"))
        self._waiters.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._loader.shutdown(wait=False, cancel_futures=True)

    async def _enter(self, name: str) -> Place[Model]:
        self._refuse(name)
        waiter: Waiter[Model] = Waiter(name, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._serve()
        try:
            return await asyncio.shield(waiter.place)
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise

    def _refuse(self, name: str) -> None:
        reason, failed_at = self._failures.get(name, ("", float("-inf")))
        if time.monotonic() - failed_at < RETRY_S:
            raise NotReady(reason, retry_after_s=RETRY_S)
        if name not in self._pinned and len(self._pinned) >= self._capacity:
            pinned = ", ".join(sorted(self._pinned))
            raise NotReady(f"{name} is not ready: every place in memory is pinned to {pinned}")

    def _withdraw(self, waiter: Waiter[Model]) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)
            self._serve()
        elif waiter.place.done() and not waiter.place.exception():
            self._leave(waiter.place.result())

    def _leave(self, place: Place[Model]) -> None:
        place.leases -= 1
        place.used_at = time.monotonic()
        self._serve()

    def _serve(self) -> None:
        """Makes room for the models that are waited for, and lets callers into the open places."""
        absent = dict.fromkeys(w.name for w in self._waiters if w.name not in self._places)
        for name in absent:
            if len(self._places) < self._capacity:
                self._begin_loading(name)
        without_room = sum(name not in self._places for name in absent)
        for place in drain(self._places.values(), without_room, self._pinned):
            self._begin_unloading(place)
        for place in self._places.values():
            if place.open:
                self._admit(place)

    def _admit(self, place: Place[Model]) -> None:
        for waiter in self._take_waiters(place.name):
            place.leases += 1
            waiter.place.set_result(place)

    def _take_waiters(self, name: str) -> list[Waiter[Model]]:
        taken = [waiter for waiter in self._waiters if waiter.name == name]
        self._waiters = [waiter for waiter in self._waiters if waiter.name != name]
        return taken

    def _begin_loading(self, name: str) -> None:
        place: Place[Model] = Place(name)
        self._places[name] = place
        self._failures.pop(name, None)
        self._begin(self._load_into(place))

    def _begin_unloading(self, place: Place[Model]) -> None:
        place.leaving = True
        self._begin(self._empty(place))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        # Not in the context of the caller that happened to be the cause: its deadline is its own.
        task = asyncio.create_task(work, context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load_into(self, place: Place[Model]) -> None:
        loop = asyncio.get_running_loop()
        try:
            place.model = await loop.run_in_executor(self._loader, self._load, place.name)
        except Exception as error:
            self._fail(place, error)
        else:
            # All who waited for it come before those who would have it leave again.
            self._admit(place)
        self._serve()

    def _fail(self, place: Place[Model], error: Exception) -> None:
        log.error("model not ready", model=place.name, exc_info=error)
        known = isinstance(error, FacetError)
        told = str(error) if known else "its weights cannot be loaded; see the log"
        reason = f"{place.name} is not ready: {told}"
        self._failures[place.name] = reason, time.monotonic()
        del self._places[place.name]
        for waiter in self._take_waiters(place.name):
            waiter.place.set_exception(NotReady(reason, retry_after_s=RETRY_S))

    async def _empty(self, place: Place[Model]) -> None:
        model, place.model = place.model, None
        try:
            assert model is not None
            await self._unload(model)
        except Exception:
            log.exception("model not unloaded", model=place.name)
        finally:
            del model, self._places[place.name]
            self._serve()
