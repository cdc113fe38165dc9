"""The job that brings the index in step with the object store."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from facetkit.jobs import ItemFailure
from facetkit.objects import ObjectInfo, ObjectStore
from search.job_runner import JobContext
from search.manifest import Manifest, MissingKeys
from search.sync.batches import Progress, Tally
from search.sync.intake import Intake, unlisted
from search.sync.listing import differences
from search.sync.removal import Removal

KIND = "synchronisation"
ONLY_FAILED = "only_failed"
FORCE = "force"
_PAGE = 200


class Synchronisation:
    """A handler of jobs. A run that was killed begins its listing again: what is known is passed
    over without a download.
    """

    def __init__(
        self,
        objects: ObjectStore,
        manifest: Manifest,
        missing: MissingKeys,
        intake: Intake,
        removal: Removal,
    ) -> None:
        self._objects, self._manifest, self._missing = objects, manifest, missing
        self._intake, self._removal = intake, removal

    async def run(self, context: JobContext) -> None:
        """Synchronises, or does the failed items of an earlier run again."""
        if context.job.options.get(ONLY_FAILED):
            await self._retry(context)
        else:
            await self._synchronise(context)

    async def _synchronise(self, context: JobContext) -> None:
        known = (await self._manifest.counts()).keys
        await self._missing.unmark_all()
        report = _Report(context)
        await self._intake.take(self._changed(report), report.tally, report)
        await report.tell(now=True)
        force = bool(context.job.options.get(FORCE))
        report.removed = await self._removal.run(
            context.job.id, listed=report.listed, known=known, force=force
        )
        await report.tell(now=True)

    async def _changed(self, report: "_Report") -> AsyncIterator[ObjectInfo]:
        async for difference in differences(self._objects, self._manifest):
            report.listed += difference.listed
            report.unchanged += difference.listed - len(difference.changed)
            await self._missing.mark(difference.missing, report.context.job.id)
            await report.tell()
            for info in difference.changed:
                yield info

    async def _retry(self, context: JobContext) -> None:
        report = _Retrial(context)
        await self._intake.take(self._failed(context), report.tally, report)
        await report.tell(now=True)

    async def _failed(self, context: JobContext) -> AsyncIterator[ObjectInfo]:
        after = ""
        while failures := await context.failures(after, _PAGE):
            for failure in failures:
                yield unlisted(failure.item)
            after = failures[-1].item


class _Report(Progress):
    """Counts of a run, told as the job's progress and result."""

    def __init__(self, context: JobContext) -> None:
        self.context = context
        self.tally = Tally()
        self.listed = self.unchanged = self.removed = 0

    async def failed(self, failures: Sequence[ItemFailure]) -> None:
        """Keeps the failed items with the job."""
        await self.context.fail(failures)

    async def done(self, keys: Sequence[str]) -> None:
        """Tells how far the run is."""
        if self.context.job.failed_count:
            await self.context.mended(keys)
        await self.tell()

    async def tell(self, *, now: bool = False) -> None:
        """Writes down the progress."""
        done = self.unchanged + self.tally.handled
        await self.context.tell(done, self.listed, self._result(), now=now)

    def _result(self) -> dict[str, Any]:
        return {
            "listed": self.listed,
            "unchanged": self.unchanged,
            "indexed": self.tally.indexed,
            "failed": self.tally.failed,
            "removed": self.removed,
            "downloaded": self.tally.downloaded,
            "downloaded_bytes": self.tally.downloaded_bytes,
        }


class _Retrial(Progress):
    """Failed items of a job, done again. Done and total stay those of the whole run."""

    def __init__(self, context: JobContext) -> None:
        self.context = context
        self.tally = Tally()

    async def failed(self, failures: Sequence[ItemFailure]) -> None:
        """Keeps the items that failed again."""
        await self.context.fail(failures)

    async def done(self, keys: Sequence[str]) -> None:
        """Forgets the failures of items that are done now."""
        await self.context.mended(keys)

    async def tell(self, *, now: bool = False) -> None:
        """Writes down what the retrial did, beside what the run did before."""
        job = self.context.job
        again = {"retried": self.tally.handled, "mended": self.tally.indexed}
        await self.context.tell(job.done, job.total, {**job.result, **again}, now=now)
