"""Dynamic batching: one worker thread per device, fed from two lanes."""

import asyncio
import time
from collections import deque
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from facetkit import deadlines
from facetkit.errors import Deadline, NotReady
from vision_models import metrics
from vision_models.domain import Lane
from vision_models.tickets import Ticket, Watch, Work, move_alike

log = structlog.get_logger(__name__)

BULK_PERIOD_S = 1.0


class Batcher:
    """Gathers while the device is busy and never waits while it is idle.

    Items of equal work are computed together. Interactive ones come first, and alone, as whoever
    waits should not wait for more than was asked; bulk that has got nothing for a second leads
    the next batch. An item that is expired or whose caller left never reaches the model.
    """

    def __init__(self, *, max_batch: int, hang_s: float, family: str = "embedding") -> None:
        self._family = family
        self._max_batch = max_batch
        self._hang_s = hang_s
        self._lanes: dict[Lane, deque[Ticket]] = {lane: deque() for lane in Lane}
        self._arrived = asyncio.Event()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="device")
        self._busy_since: float | None = None
        self._computing = 0
        self._bulk_served_at = float("-inf")
        self._driver = asyncio.create_task(self._drive())

    @property
    def hung(self) -> bool:
        """Whether one batch has kept the worker for longer than `hang_s`."""
        return self._busy_since is not None and time.monotonic() - self._busy_since > self._hang_s

    def advance(self) -> None:
        """Says from the worker's thread that the batch goes on: only each step may hang."""
        if self._busy_since is not None:
            self._busy_since = time.monotonic()

    async def submit(
        self,
        work: Work,
        item: Any,
        lane: Lane,
        alike: Hashable = None,
        watch: Watch | None = None,
    ) -> Any:
        """The result of `work` for `item`, computed in some batch of items that are `alike`.

        Raises NotReady when the worker hangs, Deadline when the caller's time ends first.
        """
        if self.hung:
            raise NotReady("the model's worker hangs and is being restarted", retry_after_s=5)
        result = asyncio.get_running_loop().create_future()
        ticket = Ticket(work, item, alike, lane, result, deadlines.ends_at(), watch)
        self._lanes[lane].append(ticket)
        self._tell_positions()
        self._arrived.set()
        return await result

    async def close(self) -> None:
        """Stops the driver; a batch being computed is left to end by itself."""
        self._driver.cancel()
        await asyncio.gather(self._driver, return_exceptions=True)
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def _drive(self) -> None:
        while True:
            batch = self._take()
            self._computing = len(batch)
            self._tell_positions()
            if batch:
                await self._compute(batch)
                # From its end on: a batch may take longer than the period, and whoever waited
                # for it comes next.
                if any(ticket.lane is Lane.BULK for ticket in batch):
                    self._bulk_served_at = time.monotonic()
            else:
                self._arrived.clear()
                await self._arrived.wait()

    def _take(self) -> list[Ticket]:
        for lane in Lane:
            self._drop_dead(lane)
        bulk, interactive = self._lanes[Lane.BULK], self._lanes[Lane.INTERACTIVE]
        bulk_leads = bool(bulk) and (
            not interactive or time.monotonic() - self._bulk_served_at >= BULK_PERIOD_S
        )
        queues = (bulk, interactive) if bulk_leads else (interactive,)
        batch: list[Ticket] = []
        if queues[0]:
            head = queues[0][0]
            for queue in queues:
                move_alike(queue, head, batch, self._max_batch)
        return batch

    def _drop_dead(self, lane: Lane) -> None:
        tickets = self._lanes[lane]
        for ticket in tickets:
            if ticket.expired and not ticket.result.done():
                ticket.result.set_exception(Deadline("the deadline passed in the queue"))
        alive = [ticket for ticket in tickets if not ticket.result.done()]
        if len(alive) < len(tickets):
            tickets.clear()
            tickets.extend(alive)

    def _tell_positions(self) -> None:
        waiting = [*self._lanes[Lane.INTERACTIVE], *self._lanes[Lane.BULK]]
        for before, ticket in enumerate(waiting):
            ticket.moved(self._computing + before)

    async def _compute(self, batch: list[Ticket]) -> None:
        for ticket in batch:
            waited_s = time.monotonic() - ticket.queued_at
            metrics.QUEUE_WAIT_SECONDS.labels(self._family).observe(waited_s)
        error = await self._run(batch)
        if error is not None and len(batch) > 1:
            log.warning("batch failed, computing its items alone", exc_info=error)
            for ticket in batch:
                if not ticket.result.done():
                    await self._run([ticket])

    async def _run(self, batch: list[Ticket]) -> Exception | None:
        loop = asyncio.get_running_loop()
        items = [ticket.item for ticket in batch]
        self._busy_since = started = time.monotonic()
        try:
            results = await loop.run_in_executor(self._worker, batch[0].work, items)
        except Exception as error:
            if len(batch) == 1:
                batch[0].settle(error)
            return error
        finally:
            self._busy_since = None
            metrics.INFERENCE_SECONDS.labels(self._family).observe(time.monotonic() - started)
            metrics.BATCH_SIZE.labels(self._family).observe(len(batch))
        for ticket, result in zip(batch, results, strict=True):
            ticket.settle(result)
        return None
