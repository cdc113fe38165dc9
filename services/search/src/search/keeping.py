"""Opens what search needs, keeps its health in step, and sees that the index is whole."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import structlog

from facetkit.errors import Conflict, FacetError, NotReady
from facetkit.health import Health, HealthBoard
from search.generations import Generation
from search.index import Index
from search.job_runner import JobRunner
from search.jobs import Jobs
from search.manifest import Holdings
from search.sync.rebuilding import COLLECTION, KIND

log = structlog.get_logger(__name__)

OPEN_RETRY_S = 0.5
LOOK_EVERY_S = 5.0
AGAIN_AFTER_S = 600.0
"""After a rebuilding that ended, however it did."""

RECENT_JOBS = 20


class Keeping:
    """The service's own life, beside the calls. `opens` come in order, the index last."""

    def __init__(
        self,
        board: HealthBoard,
        services: Sequence[str],
        opens: Sequence[Callable[[], Awaitable[None]]],
        index: Index,
        holdings: Holdings,
        jobs: Jobs,
        runner: JobRunner,
        *,
        answers_alone: bool,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._board, self._services, self._opens = board, services, opens
        self._index, self._holdings = index, holdings
        self._jobs, self._runner = jobs, runner
        self._answers_alone, self._look_every_s = answers_alone, look_every_s
        self._whole_until: dict[str, float] = {}

    async def run(self) -> None:
        """Runs until it is cancelled."""
        await self._open()
        async with asyncio.TaskGroup() as group:
            for work in (self._runner.run(), self._report_always(), self._look_always()):
                group.create_task(work)

    async def _open(self) -> None:
        left = list(self._opens)
        while left:
            try:
                await left[0]()
                left.pop(0)
                continue
            except FacetError as error:
                self._index.reason = error.message
            except Exception:
                self._index.reason = "the index cannot be opened; see the log"
                log.exception("index not open")
            await self._report(Health(ready=False, reason=self._index.reason))
            await asyncio.sleep(OPEN_RETRY_S)

    async def _report_always(self) -> None:
        while True:
            try:
                await self._report(await self._health())
            except Exception:
                log.exception("health unknown")
            await asyncio.sleep(self._look_every_s)

    async def _health(self) -> Health:
        """Where the matrix answers, searches go on without the store: ready, with a reason."""
        active = self._index.active
        try:
            await active.store.ping()
        except FacetError as error:
            reason = f"{error.message}; images cannot be stored"
            return Health(ready=self._answers_alone, reason=reason)
        try:
            active.embedding()
        except NotReady as error:
            return Health(ready=True, reason=error.message)
        return Health(ready=True)

    async def _report(self, health: Health) -> None:
        for service in self._services:
            await self._board.report(service, health)

    async def _look_always(self) -> None:
        while True:
            try:
                await self._look()
            except FacetError as error:
                log.info("not looked at", reason=error.message)
            except Exception:
                log.exception("not looked at")
            await asyncio.sleep(self._look_every_s)

    async def _look(self) -> None:
        await self._index.refresh()
        for generation in self._index.generations:
            if generation.embedder and await self._is_lacking(generation):
                await self._rebuild(generation.name)

    async def _is_lacking(self, generation: Generation) -> bool:
        """What answers is looked at seldom: where nothing is lacking that takes a while."""
        name, now = generation.name, time.monotonic()
        if generation is self._index.building:
            return True
        if now < self._whole_until.get(name, 0.0):
            return False
        if await self._holdings.lacking(name, "", 1):
            return True
        self._whole_until[name] = now + AGAIN_AFTER_S
        return False

    async def _rebuild(self, name: str) -> None:
        """Has what a collection lacks embedded, unless that was tried a short while ago."""
        for job in await self._jobs.recent(RECENT_JOBS, ""):
            if job.kind == KIND and job.options.get(COLLECTION) == name:
                age = datetime.now(UTC) - job.updated_at
                if not job.state.final or age.total_seconds() < AGAIN_AFTER_S:
                    return
                break
        with suppress(Conflict):
            await self._jobs.start(KIND, {COLLECTION: name})
