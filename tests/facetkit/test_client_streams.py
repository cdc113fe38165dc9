import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest

from facet.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from facetkit import deadlines, request_context
from facetkit.client import RpcClient
from facetkit.errors import Deadline, FacetError, NotFound, NotReady, Unavailable
from facetkit.server import FacetServer
from facetkit.testing import Service, serving
from tests.facetkit.fake_embedding import (
    PATIENCE_S,
    ROUNDING,
    Relay,
    connected,
    counted,
    happens,
    listening,
    running,
)
from tests.ports import free_port

SERVICE_NAME = jobs_pb2.DESCRIPTOR.services_by_name["JobsService"].full_name
METHOD = f"/{SERVICE_NAME}/WatchJob"
Answers = Callable[[], AsyncIterator[int]]


class FakeJobs(jobs_pb2_grpc.JobsServiceServicer):
    """WatchJob answers jobs of the versions given; `left` is set when it ends."""

    def __init__(self, versions: Answers) -> None:
        self._versions = versions
        self.contexts: list[Any] = []
        self.left = asyncio.Event()

    async def WatchJob(
        self, request: Any, context: Any
    ) -> AsyncIterator[jobs_pb2.WatchJobResponse]:
        self.contexts.append(context)
        try:
            async for version in self._versions():
                yield jobs_pb2.WatchJobResponse(job=jobs_pb2.Job(version=version))
        finally:
            self.left.set()

    async def GetJob(self, request: Any, context: Any) -> Any:
        raise NotReady("not part of the fake")

    async def ListJobs(self, request: Any, context: Any) -> Any:
        raise NotReady("not part of the fake")

    async def CancelJob(self, request: Any, context: Any) -> Any:
        raise NotReady("not part of the fake")

    async def ResumeJob(self, request: Any, context: Any) -> Any:
        raise NotReady("not part of the fake")

    async def RetryFailedJob(self, request: Any, context: Any) -> Any:
        raise NotReady("not part of the fake")

    @property
    def service(self) -> Service:
        return Service(SERVICE_NAME, jobs_pb2_grpc.add_JobsServiceServicer_to_server, self)


async def three() -> AsyncIterator[int]:
    for version in (1, 2, 3):
        yield version


async def one_and_no_end() -> AsyncIterator[int]:
    yield 1
    await asyncio.Event().wait()


def one_and(error: FacetError) -> Answers:
    async def answers() -> AsyncIterator[int]:
        yield 1
        raise error

    return answers


async def versions(client: RpcClient, timeout_s: float | None = None) -> AsyncGenerator[int, None]:
    stub = jobs_pb2_grpc.JobsServiceStub(client.channel)
    request = jobs_pb2.WatchJobRequest(job_id="a")
    stream = client.stream(stub.WatchJob, request, timeout_s=timeout_s)
    async with aclosing(stream) as responses:
        async for response in responses:
            yield response.job.version


async def all_of(client: RpcClient, timeout_s: float | None = None) -> list[int]:
    async with asyncio.timeout(PATIENCE_S):
        return [version async for version in versions(client, timeout_s)]


def calls(code: str) -> float:
    return counted("facet_rpc_client_calls_total", method=METHOD, code=code)


def seconds_count() -> float:
    return counted("facet_rpc_client_seconds_count", method=METHOD)


async def test_answers_come_in_order_and_the_call_is_counted_once() -> None:
    before = calls("ok"), seconds_count()
    async with serving(FakeJobs(three).service) as client:
        assert await all_of(client) == [1, 2, 3]
    assert (calls("ok"), seconds_count()) == (before[0] + 1, before[1] + 1)


async def test_the_request_id_travels() -> None:
    jobs = FakeJobs(three)
    async with serving(jobs.service) as client:
        request_context.bind("abc")
        await all_of(client)
    assert dict(jobs.contexts[0].invocation_metadata())["x-request-id"] == "abc"


@pytest.mark.parametrize("error", [NotFound("no such job"), NotReady("starting")])
async def test_what_the_other_side_raises_comes_after_its_answers(error: FacetError) -> None:
    jobs, before = FakeJobs(one_and(error)), calls("ok")
    async with serving(jobs.service) as client:
        stream = versions(client)
        assert await anext(stream) == 1
        with pytest.raises(type(error), match=error.message):
            await anext(stream)
    assert len(jobs.contexts) == 1
    assert calls("ok") == before


async def test_closing_ends_the_handler() -> None:
    jobs, before = FakeJobs(one_and_no_end), calls("cancelled")
    async with serving(jobs.service) as client:
        async with aclosing(versions(client)) as stream:
            assert await anext(stream) == 1
        await happens(jobs.left)
    assert calls("cancelled") == before + 1


async def test_leaving_ends_the_handler() -> None:
    jobs = FakeJobs(one_and_no_end)
    async with serving(jobs.service) as client:
        call = asyncio.create_task(all_of(client))
        while not jobs.contexts:
            await asyncio.sleep(0.01)
        call.cancel()
        await happens(jobs.left)
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_the_time_of_the_call_is_its_bound() -> None:
    jobs, before = FakeJobs(one_and_no_end), calls("deadline")
    async with serving(jobs.service) as client:
        with pytest.raises(Deadline):
            await all_of(client, timeout_s=0.2)
        await happens(jobs.left)
    assert calls("deadline") == before + 1


async def test_the_deadline_in_force_travels() -> None:
    async def left_ms() -> AsyncIterator[int]:
        yield round(jobs.contexts[0].time_remaining() * 1000)

    jobs = FakeJobs(left_ms)
    async with serving(jobs.service) as client, deadlines.within(5):
        (left,) = await all_of(client, timeout_s=100)
    assert 0 < left <= 5000 * ROUNDING


async def test_no_call_is_made_once_the_time_is_used_up() -> None:
    jobs = FakeJobs(three)
    async with serving(jobs.service) as client:
        with pytest.raises(Deadline):
            await all_of(client, timeout_s=0)
    assert not jobs.contexts


async def test_a_stream_that_breaks_is_not_opened_again() -> None:
    jobs, before = FakeJobs(one_and_no_end), calls("unavailable")
    async with running(FacetServer(), jobs.service) as port:
        relay = Relay(refusals=0, target=port)
        async with listening(relay) as relayed, connected(relayed) as client:
            stream = versions(client)
            assert await anext(stream) == 1
            relay.cut()
            with pytest.raises(Unavailable):
                await anext(stream)
    assert len(jobs.contexts) == 1
    assert calls("unavailable") == before + 1


async def test_a_server_that_stops_makes_the_stream_unavailable() -> None:
    jobs, server = FakeJobs(one_and_no_end), FacetServer()
    async with running(server, jobs.service) as port, connected(port) as client:
        stream = versions(client)
        assert await anext(stream) == 1
        await server.stop(0)
        with pytest.raises(Unavailable):
            await anext(stream)


async def test_nobody_there_is_unavailable_at_the_first_try() -> None:
    before = calls("unavailable")
    async with connected(free_port()) as client:
        with pytest.raises(Unavailable):
            await all_of(client)
    assert calls("unavailable") == before + 1
