import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from facetkit.errors import FacetError, NotReady, Unavailable
from facetkit.health import Health, HealthBoard
from facetkit.jobs import JobState
from search.adapters.database import Database
from search.domain import ImageVector, ModelInfo
from search.keeping import Keeping
from search.sync import rebuilding
from tests.search.fakes import MODEL, FakeEmbedder, MemoryCollections
from tests.search.parts import Parts
from tests.search.watched_objects import WatchedObjects, fill

CONTENTS = {f"shop/{number:02}.jpg": b"ring %d" % number for number in range(10)}


class Board(HealthBoard):
    """Keeps what was reported last."""

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, Health] = {}

    async def report(self, service: str, health: Health) -> None:
        self.told[service] = health
        await super().report(service, health)


class MoodyEmbedder(FakeEmbedder):
    """Refuses all images, or is away as a whole."""

    refuses: FacetError | None = None
    away: FacetError | None = None

    async def model(self) -> ModelInfo:
        if self.away:
            raise self.away
        return await super().model()

    async def embed_image(self, content: bytes, *, bulk: bool = False) -> ImageVector:
        if self.refuses:
            raise self.refuses
        return await super().embed_image(content, bulk=bulk)


@pytest.fixture
def embedder() -> MoodyEmbedder:
    return MoodyEmbedder()


@pytest.fixture
def board() -> Board:
    return Board()


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await happened():
            await asyncio.sleep(0.005)


Open = Callable[[], Awaitable[None]]


@asynccontextmanager
async def kept(
    parts: Parts, board: Board, opens: tuple[Open, ...] = (), *, answers_alone: bool = True
) -> AsyncIterator[None]:
    """Runs Keeping until the block ends."""
    keeping = Keeping(
        board,
        ("search", "jobs"),
        (*opens, parts.index.open),
        parts.index,
        parts.holdings,
        parts.jobs,
        parts.runner,
        answers_alone=answers_alone,
        look_every_s=0.01,
    )
    running = asyncio.create_task(keeping.run())
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await parts.index.close()


def told(board: Board, *, ready: bool, reason: str = "") -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return [*board.told.values()] == [Health(ready=ready, reason=reason)] * 2

    return look


async def rebuildings(parts: Parts) -> list[JobState]:
    return [job.state for job in await parts.jobs.recent(100, "") if job.kind == rebuilding.KIND]


@pytest.fixture
def parts(
    database: Database,
    objects: WatchedObjects,
    collections: MemoryCollections,
    embedder: MoodyEmbedder,
) -> Parts:
    return Parts(database, objects, collections, [embedder], patience_s=0)


async def test_what_is_needed_is_opened_in_order(parts: Parts, board: Board) -> None:
    opened: list[str] = []
    missing = {"database": NotReady("the database is not migrated"), "objects": None}

    def opening(name: str) -> Open:
        async def open_it() -> None:
            if error := missing[name]:
                raise error
            opened.append(name)

        return open_it

    async with kept(parts, board, (opening("database"), opening("objects"))):
        await until(told(board, ready=False, reason="the database is not migrated"))
        assert opened == []
        with pytest.raises(NotReady, match="the database is not migrated"):
            _ = parts.index.active
        missing["database"] = None
        await until(told(board, ready=True))
    assert opened == ["database", "objects"]


async def test_an_unknown_error_is_no_reason_to_stay_closed(parts: Parts, board: Board) -> None:
    errors: list[Exception] = [RuntimeError("secret")]

    async def open_it() -> None:
        if errors:
            raise errors.pop()

    async with kept(parts, board, (open_it,)):
        await until(told(board, ready=False, reason="the index cannot be opened; see the log"))
        await until(told(board, ready=True))


async def test_vision_models_that_are_away_at_the_start_are_named(
    parts: Parts, board: Board, embedder: MoodyEmbedder
) -> None:
    embedder.away = Unavailable("vision-models cannot be reached")
    async with kept(parts, board):
        await until(told(board, ready=False, reason="vision-models cannot be reached"))
        embedder.away = None
        await until(told(board, ready=True))


@pytest.mark.parametrize("alone", [True, False])
async def test_a_vector_store_that_is_away_is_named(
    parts: Parts, board: Board, collections: MemoryCollections, alone: bool
) -> None:
    async with kept(parts, board, answers_alone=alone):
        await until(told(board, ready=True))
        collections.away = True
        reason = "the vector store cannot be reached; images cannot be stored"
        await until(told(board, ready=alone, reason=reason))
        collections.away = False
        await until(told(board, ready=True))


async def test_a_model_that_is_no_longer_served_is_named_until_the_next_one_answers(
    parts: Parts, board: Board, embedder: MoodyEmbedder, objects: WatchedObjects
) -> None:
    await fill(objects, CONTENTS)
    async with kept(parts, board):
        await until(told(board, ready=True))
        await parts.synchronise()
        embedder.refuses = Unavailable("warming up")
        embedder.info = dataclasses.replace(MODEL, version="2")

        async def named() -> bool:
            health = board.told["search"]
            return health.ready and "no longer serves" in health.reason

        await until(named)
        assert parts.service.model == MODEL


async def test_the_next_model_is_built_by_itself(
    parts: Parts, board: Board, embedder: MoodyEmbedder, objects: WatchedObjects
) -> None:
    await fill(objects, CONTENTS)
    async with kept(parts, board):
        await until(told(board, ready=True))
        await parts.synchronise()
        embedder.info = dataclasses.replace(MODEL, version="2")

        async def built() -> bool:
            return await rebuildings(parts) == [JobState.SUCCEEDED]

        await until(built)
        await until(told(board, ready=True))
        assert parts.service.model.version == "2"
        assert sorted(await parts.found()) == sorted(CONTENTS)


async def test_what_the_collection_lacks_is_embedded_by_itself(
    database: Database,
    parts: Parts,
    board: Board,
    objects: WatchedObjects,
    embedder: MoodyEmbedder,
) -> None:
    await fill(objects, CONTENTS)
    async with kept(parts, board):
        await until(told(board, ready=True))
        await parts.synchronise()
    again = Parts(database, objects, MemoryCollections(), [embedder])
    async with kept(again, board):

        async def whole() -> bool:
            return await rebuildings(again) == [JobState.SUCCEEDED]

        await until(whole)
        assert sorted(await again.found()) == sorted(CONTENTS)


async def test_a_rebuilding_that_failed_is_not_begun_again_and_again(
    parts: Parts, board: Board, embedder: MoodyEmbedder, objects: WatchedObjects
) -> None:
    await fill(objects, CONTENTS)
    async with kept(parts, board):
        await until(told(board, ready=True))
        await parts.synchronise()
        embedder.refuses = Unavailable("warming up")
        embedder.info = dataclasses.replace(MODEL, version="2")

        async def failed() -> bool:
            return await rebuildings(parts) == [JobState.FAILED]

        await until(failed)
    # Neither by this process, nor by the next one.
    looks: list[str] = []

    class Watching(MoodyEmbedder):
        async def model(self) -> ModelInfo:
            looks.append("look")
            return await super().model()

    async def looked() -> bool:
        return len(looks) > 20

    for _ in range(2):
        looks.clear()
        watching = Watching()
        watching.info = embedder.info
        again = Parts(parts.database, objects, parts.collections, [watching])
        async with kept(again, board):
            await until(looked)
            assert await rebuildings(again) == [JobState.FAILED]


async def test_a_rebuilding_waits_for_the_job_before_it(
    parts: Parts, board: Board, embedder: MoodyEmbedder, objects: WatchedObjects
) -> None:
    await fill(objects, CONTENTS)
    gate = asyncio.Event()
    objects.before_get["shop/05.jpg"] = gate.wait
    async with kept(parts, board):
        await until(told(board, ready=True))
        job = await parts.jobs.synchronise(force=False)
        embedder.info = dataclasses.replace(MODEL, version="2")

        async def noticed() -> bool:
            return parts.index.building is not None

        await until(noticed)
        assert await rebuildings(parts) == []
        gate.set()
        assert (await parts.ended(job.id)).state == JobState.SUCCEEDED

        async def built() -> bool:
            return parts.service.model.version == "2"

        await until(built)
        assert sorted(await parts.found()) == sorted(CONTENTS)


async def test_a_rebuilding_that_was_broken_off_goes_on_at_the_next_start(
    parts: Parts, board: Board, embedder: MoodyEmbedder, objects: WatchedObjects
) -> None:
    await fill(objects, CONTENTS)
    never = asyncio.Event()
    async with kept(parts, board):
        await until(told(board, ready=True))
        await parts.synchronise()
        objects.before_get["shop/05.jpg"] = never.wait
        embedder.info = dataclasses.replace(MODEL, version="2")

        async def begun() -> bool:
            return await rebuildings(parts) == [JobState.RUNNING]

        await until(begun)
    objects.before_get.clear()
    again = Parts(parts.database, objects, parts.collections, [embedder])
    async with kept(again, board):

        async def ended() -> bool:
            return await rebuildings(again) == [JobState.SUCCEEDED]

        await until(ended)
        assert again.service.model.version == "2"
