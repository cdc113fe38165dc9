import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from facetkit import deadlines
from facetkit.client import RpcClient
from facetkit.errors import Deadline, FacetError, NotFound, NotReady, Overloaded, Unavailable
from facetkit.memory_objects import MemoryObjectStore
from facetkit.server import FacetServer, ServerLimits
from facetkit.testing import Service, serving
from gateway.app import create_app
from gateway.jobs.client import JobsClient
from gateway.jobs.domain import Job
from gateway.jobs.owners import JobOwners
from tests.gateway.event_source import PATIENCE_S, listening
from tests.gateway.fake_jobs import JOB_ID, SUCCEEDED, FakeJobs, a_job
from tests.gateway.running import ADD_JOBS, JOBS_SERVICE, clients, served, settings
from tests.ports import free_port


@asynccontextmanager
async def watched(jobs: FakeJobs, limits: ServerLimits | None = None) -> AsyncIterator[JobsClient]:
    async with serving(Service(JOBS_SERVICE, ADD_JOBS, jobs), limits=limits) as rpc:
        async with asyncio.timeout(PATIENCE_S):
            yield JobsClient(rpc)


async def started(jobs: FakeJobs, port: int) -> FacetServer:
    server = FacetServer()
    await server.register(JOBS_SERVICE, ADD_JOBS, jobs)
    await server.start(f"127.0.0.1:{port}")
    return server


def asked(jobs: FakeJobs) -> list[int]:
    return [request.after for request in jobs.requests if hasattr(request, "after")]


async def test_a_restart_of_the_service_is_not_seen() -> None:
    jobs, port = FakeJobs(), free_port()
    await jobs.put(a_job(1))
    server, rpc = await started(jobs, port), RpcClient(f"127.0.0.1:{port}")
    app = create_app(settings(), clients(rpc, rpc, MemoryObjectStore()))
    async with asyncio.timeout(PATIENCE_S), served(app) as http_port:
        async with listening(http_port, f"/api/jobs/{JOB_ID}/events") as source:
            assert (await source.next()).id == "1"
            await jobs.put(a_job(2))
            assert (await source.next()).id == "2"
            await server.stop(0)
            await jobs.until_watched_by(0)
            await jobs.put(a_job(5))
            server = await started(jobs, port)
            assert (await source.next()).id == "5"
            await jobs.put(a_job(6, SUCCEEDED))
            assert [event.id for event in await source.rest()] == ["6"]
    await rpc.close()
    await server.stop(0)
    assert asked(jobs) == [0, 2]


@pytest.mark.parametrize(
    "error", [NotReady("starting"), Unavailable("no database"), Overloaded("too many calls")]
)
async def test_what_passes_is_waited_for(error: FacetError) -> None:
    jobs = FakeJobs()
    await jobs.put(a_job(3))
    async with watched(jobs) as client, aclosing(client.watch(JOB_ID, 0)) as changes:
        assert (await anext(changes)).version == 3
        await jobs.break_watches(error)
        await jobs.put(a_job(4, SUCCEEDED))
        following = asyncio.ensure_future(anext(changes))
        while len(asked(jobs)) < 4:
            await asyncio.sleep(0.01)
        await jobs.break_watches(None)
        assert (await following).version == 4
    assert asked(jobs)[:4] == [0, 3, 3, 3]


async def test_the_servers_own_bound_of_a_call_is_not_the_end() -> None:
    jobs = FakeJobs()
    await jobs.put(a_job(3))
    async with watched(jobs, ServerLimits(max_call_s=0.05)) as client:
        async with aclosing(client.watch(JOB_ID, 3)) as changes:
            following = asyncio.ensure_future(anext(changes))
            while len(asked(jobs)) < 3:
                await asyncio.sleep(0.01)
            await jobs.put(a_job(4, SUCCEEDED))
            assert (await following).version == 4


async def test_a_watch_that_ends_early_is_opened_again() -> None:
    jobs = FakeJobs()
    jobs.ends_early = True
    await jobs.put(a_job(3))
    async with watched(jobs) as client, aclosing(client.watch(JOB_ID, 0)) as changes:
        assert (await anext(changes)).version == 3
        await jobs.put(a_job(4))
        assert (await anext(changes)).version == 4
        await jobs.put(a_job(5, SUCCEEDED))
        assert [job.version async for job in changes] == [5]
    assert asked(jobs) == [0, 3, 4]


async def test_what_does_not_pass_is_raised() -> None:
    jobs = FakeJobs()
    async with watched(jobs) as client, aclosing(client.watch(JOB_ID, 0)) as changes:
        with pytest.raises(NotFound):
            await anext(changes)
    assert asked(jobs) == [0]


async def test_the_deadline_in_force_ends_a_watch() -> None:
    jobs = FakeJobs()
    await jobs.put(a_job(1))
    async with watched(jobs) as client:
        async with aclosing(client.watch(JOB_ID, 1)) as changes:
            async with deadlines.within(0.2):
                following = asyncio.ensure_future(anext(changes))
            with pytest.raises(Deadline):
                await following
        await jobs.until_watched_by(0)


async def test_closing_a_watch_ends_it_at_the_service() -> None:
    jobs = FakeJobs()
    await jobs.put(a_job(1))
    async with watched(jobs) as client:
        async with aclosing(client.watch(JOB_ID, 0)) as changes:
            await anext(changes)
        await jobs.until_watched_by(0)


async def test_the_jobs_of_all_services_are_one_list() -> None:
    search, catalog = FakeJobs(), FakeJobs()
    for jobs, owner, numbers in ((search, "sync", (1, 3, 6)), (catalog, "cat", (2, 4, 5))):
        for number in numbers:
            await jobs.put(a_job(job_id=an_id(owner, number)))
    async with watched(search) as sync, watched(catalog) as cat:
        owners = JobOwners({"sync": sync, "cat": cat})
        newest = await owners.recent(4, None)
        older = await owners.recent(4, newest[-1].job_id)
        found = await owners.of(an_id("cat", 4)).get(an_id("cat", 4))
    assert ids(newest) == [
        an_id("sync", 6),
        an_id("cat", 5),
        an_id("cat", 4),
        an_id("sync", 3),
    ]
    assert ids(older) == [an_id("cat", 2), an_id("sync", 1)]
    assert found.job_id == an_id("cat", 4)


def an_id(owner: str, number: int) -> str:
    return f"{owner}_01920c5e-7b1a-7c3d-9e4f-{number:012x}"


def ids(jobs: list[Job]) -> list[str]:
    return [job.job_id for job in jobs]
