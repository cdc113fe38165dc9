"""The job that embeds what a collection lacks and, for a new model, lets it answer at the end."""

from collections.abc import AsyncIterator, Sequence

import structlog

from facetkit.errors import Unavailable
from facetkit.jobs import ItemFailure
from facetkit.objects import ObjectInfo
from search.generations import Generation
from search.index import Index
from search.job_runner import JobContext
from search.manifest import Holdings, Manifest
from search.sync.batches import Progress, Tally
from search.sync.golden import recall
from search.sync.intake import Intake, unlisted

log = structlog.get_logger(__name__)

KIND = "rebuilding"
COLLECTION = "collection"
MIN_RECALL = 0.99
_PAGE = 500


class Rebuilding:
    """A handler of jobs. What was embedded before a kill is not embedded again."""

    def __init__(
        self, index: Index, manifest: Manifest, holdings: Holdings, intake: Intake
    ) -> None:
        self._index, self._manifest = index, manifest
        self._holdings, self._intake = holdings, intake

    async def run(self, context: JobContext) -> None:
        """Fills the collection and, where another one answers yet, compares and switches.

        Raises Conflict where the collection is no longer wanted, Unavailable where it may not
        answer: it lacks images, or finds too few.
        """
        name = str(context.job.options[COLLECTION])
        await self._intake.reconcile(name)
        report = _Report(context, name)
        report.held = await self._holdings.count(name)
        report.total = (await self._manifest.counts()).images
        await self._fill(name, report)
        if name != self._index.active.name:
            await self._check(self._index.generation(name), report)
            report.result["replaced"] = (await self._index.promote(name)).name
        await report.tell(now=True)

    async def _fill(self, name: str, report: "_Report") -> None:
        """Again and again, as long as something comes in: uploads may have left some out."""
        before = -1
        while report.tally.indexed > before:
            before, report.tally.gone = report.tally.indexed, 0
            await self._intake.take(self._lacking(name), report.tally, report, collection=name)
        await report.tell(now=True)

    async def _lacking(self, name: str) -> AsyncIterator[ObjectInfo]:
        after = ""
        while images := await self._holdings.lacking(name, after, _PAGE):
            for image in images:
                yield unlisted(image.item.key)
            after = images[-1].item.id

    async def _check(self, generation: Generation, report: "_Report") -> None:
        """Raises Unavailable where the collection may not answer yet."""
        # Images whose objects are gone are lacking until the next synchronisation.
        lacking = await self._holdings.lacking(generation.name, "", report.tally.gone + 1)
        if len(lacking) > report.tally.gone:
            images = (await self._manifest.counts()).images
            held = await self._holdings.count(generation.name)
            raise _unfit(generation, f"has {held} of {images} images")
        held = await self._holdings.count(generation.name)
        stored = (await generation.store.statistics()).stored
        if stored < min(held, await self._holdings.count(generation.name)):
            raise _unfit(generation, f"holds {stored} of the {held} images it was given")
        found = await recall(generation.store)
        if found < MIN_RECALL:
            raise _unfit(generation, f"finds {found:.3f} of what it should")
        report.result["recall"] = found
        log.info("collection checked", collection=generation.name, images=stored, recall=found)


def _unfit(generation: Generation, reason: str) -> Unavailable:
    return Unavailable(f"{generation.name} {reason}: the old collection goes on answering")


class _Report(Progress):
    """Counts of a run, told as the job's progress."""

    def __init__(self, context: JobContext, collection: str) -> None:
        self._context = context
        self.tally = Tally()
        self.held = self.total = 0
        self.result: dict[str, object] = {"collection": collection}

    async def failed(self, failures: Sequence[ItemFailure]) -> None:
        """Keeps the failed items with the job."""
        await self._context.fail(failures)

    async def done(self, keys: Sequence[str]) -> None:
        """Tells how far the run is."""
        await self._context.mended(keys)
        await self.tell()

    async def tell(self, *, now: bool = False) -> None:
        """Writes down the progress."""
        done = self.held + self.tally.indexed
        await self._context.tell(done, max(self.total, done), self.result, now=now)
