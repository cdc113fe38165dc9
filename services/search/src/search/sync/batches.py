"""Commits what an intake prepared, in batches, and counts it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from facetkit.jobs import ItemFailure
from search.indexing import Indexer
from search.preparing import Prepared
from search.sync.patience import Patience


@dataclass(frozen=True, slots=True)
class Gone:
    """An object that the store no longer has."""

    key: str


Outcome = Prepared | ItemFailure | Gone


@dataclass(slots=True)
class Tally:
    """What an intake has done, in objects; `downloaded_bytes` in bytes."""

    indexed: int = 0
    failed: int = 0
    gone: int = 0
    downloaded: int = 0
    downloaded_bytes: int = 0

    @property
    def handled(self) -> int:
        """Objects that are through, in whatever way."""
        return self.indexed + self.failed + self.gone


class Progress:
    """Hears of every commit."""

    async def failed(self, failures: Sequence[ItemFailure]) -> None:
        """These items could not be done."""

    async def done(self, keys: Sequence[str]) -> None:
        """These objects are indexed, or gone."""


class Batches:
    """Collects outcomes until `size` of them are committed at once."""

    def __init__(
        self, indexer: Indexer, patience: Patience, tally: Tally, progress: Progress, size: int
    ) -> None:
        self._indexer, self._patience = indexer, patience
        self._tally, self._progress, self._size = tally, progress, size
        self._committing = asyncio.Lock()
        self._prepared: list[Prepared] = []
        self._failures: list[ItemFailure] = []
        self._gone: list[str] = []

    async def add(self, outcome: Outcome) -> None:
        """Keeps an outcome, and commits when there are enough."""
        # Whoever comes during a commit waits: nothing more piles up.
        async with self._committing:
            self._keep(outcome)
            if len(self._prepared) + len(self._failures) + len(self._gone) >= self._size:
                await self._commit()

    async def flush(self) -> None:
        """Commits what was kept."""
        async with self._committing:
            await self._commit()

    def _keep(self, outcome: Outcome) -> None:
        if isinstance(outcome, Gone):
            self._gone.append(outcome.key)
        elif isinstance(outcome, ItemFailure):
            self._failures.append(outcome)
        else:
            self._prepared.append(outcome)

    async def _commit(self) -> None:
        prepared, self._prepared = self._prepared, []
        failures, self._failures = self._failures, []
        gone, self._gone = self._gone, []
        # Named first: what is written down as broken is not looked at again.
        broken = (each.entry for each in prepared if each.entry.code)
        await self._fail([*failures, *(ItemFailure(e.key, e.code, e.error) for e in broken)])
        outdated: set[str] = set()
        if prepared:
            committed = await self._patience.wait_for(lambda: self._indexer.commit(prepared))
            outdated = {entry.key for entry in committed.outdated}
        await self._fail([_outdated(key) for key in sorted(outdated)])
        good = (each.entry.key for each in prepared if not each.entry.code)
        indexed = [key for key in good if key not in outdated]
        self._tally.indexed += len(indexed)
        self._tally.gone += len(gone)
        await self._patience.wait_for(lambda: self._progress.done([*indexed, *gone]))

    async def _fail(self, failures: Sequence[ItemFailure]) -> None:
        if failures:
            await self._patience.wait_for(lambda: self._progress.failed(failures))
            self._tally.failed += len(failures)


def _outdated(key: str) -> ItemFailure:
    return ItemFailure(key, "conflict", "the image was deleted while it was being indexed")
