"""A synchronisation on the search page, over a job that the test moves."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from facet.jobs.v1 import jobs_pb2
from tests.browser.visitor import Visitor
from tests.gateway.fake_jobs import CANCELLED, SUCCEEDED, a_job
from tests.gateway.running import Gateway, running_gateway, served

pytestmark = pytest.mark.slow


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with running_gateway() as running:
        yield running


@pytest.fixture
async def visitor(browser: Browser, gateway: Gateway) -> AsyncIterator[Visitor]:
    async with served(gateway.app, gateway.streams) as port:
        visitor = Visitor(browser, f"http://127.0.0.1:{port}")
        yield visitor
        assert await visitor.leave() == []


def a_run(version: int, done: int, **fields: Any) -> jobs_pb2.Job:
    known: dict[str, Any] = {"total": 240, "failed": [], "failed_count": 0}
    job: jobs_pb2.Job = a_job(version=version, done=done, **known | fields)
    return job


def names(requests: list[Any]) -> list[str]:
    return [type(request).__name__ for request in requests]


async def started(gateway: Gateway, page: Page) -> None:
    gateway.search.job.CopyFrom(a_run(1, 0))
    await gateway.jobs.put(gateway.search.job)
    await page.get_by_role("button", name="Start synchronisation").click()
    await page.get_by_text("Running: 0 of 240 images").wait_for()


async def test_it_is_seen_to_move_and_to_end(gateway: Gateway, visitor: Visitor) -> None:
    page = await visitor.open("/search")
    await started(gateway, page)
    await gateway.jobs.put(a_run(2, 118))
    await page.get_by_text("Running: 118 of 240 images").wait_for()
    bar = page.get_by_role("progressbar", name="Synchronisation")
    assert await bar.get_attribute("value") == "118"
    await gateway.jobs.put(a_run(3, 240, state=SUCCEEDED))
    await page.get_by_text("Finished: 240 of 240 images").wait_for()
    assert await bar.is_hidden()


async def test_it_is_found_again_after_a_reload(gateway: Gateway, visitor: Visitor) -> None:
    page = await visitor.open("/search")
    await started(gateway, page)
    await page.reload()
    await page.get_by_text("Running: 0 of 240 images").wait_for()
    await gateway.jobs.put(a_run(2, 200))
    await page.get_by_text("Running: 200 of 240 images").wait_for()


async def test_it_goes_on_after_a_lost_connection(gateway: Gateway, visitor: Visitor) -> None:
    gateway.jobs.ends_early = True
    page = await visitor.open("/search")
    await started(gateway, page)
    for version in (2, 3):
        await gateway.jobs.put(a_run(version, version))
        await page.get_by_text(f"Running: {version} of 240 images").wait_for()


async def test_it_is_cancelled_by_its_button(gateway: Gateway, visitor: Visitor) -> None:
    page = await visitor.open("/search")
    await started(gateway, page)
    async with page.expect_response("**/cancel"):
        await page.get_by_role("button", name="Cancel it").press("Enter")
    await gateway.jobs.put(a_run(2, 20, state=CANCELLED))
    await page.get_by_text("Cancelled: 20 of 240 images").wait_for()
    assert "CancelJobRequest" in names(gateway.jobs.requests)
    assert await page.get_by_role("button", name="Cancel it").is_hidden()
    assert await page.evaluate("document.activeElement.id") == "sync-start"


async def test_failed_items_are_listed_and_tried_again(gateway: Gateway, visitor: Visitor) -> None:
    await gateway.jobs.put(a_job(state=SUCCEEDED))
    page = await visitor.open("/search")
    await page.get_by_text("Finished: 1 of 2 images, 1 failed").wait_for()
    await page.get_by_text("1 failed image").click()
    await page.get_by_text("damaged (unprocessable)").wait_for()
    async with page.expect_response("**/retry-failed"):
        await page.get_by_role("button", name="Try the failed ones again").click()
    assert "RetryFailedJobRequest" in names(gateway.jobs.requests)


async def test_force_is_sent_only_where_it_is_ticked(gateway: Gateway, visitor: Visitor) -> None:
    page = await visitor.open("/search")
    await started(gateway, page)
    await page.get_by_label("Remove even if much is gone").check()
    async with page.expect_response("**/api/search/sync?force=true"):
        await page.get_by_role("button", name="Start synchronisation").click()
    sent = [each for each in gateway.search.requests if names([each]) == ["SyncImagesRequest"]]
    assert [each.force for each in sent] == [False, True]
