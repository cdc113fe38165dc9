"""The strip that says what is up."""

import pytest
from playwright.async_api import Route

from tests.browser.visitor import Visitor

pytestmark = pytest.mark.slow


async def test_the_strip_names_services_and_models(visitor: Visitor) -> None:
    page = await visitor.open("/search")
    strip = page.get_by_role("region", name="Services")
    await strip.get_by_text("search ready").wait_for()
    await strip.get_by_text("vision-models ready").wait_for()
    assert "demo" in await page.locator("#model-set").inner_text()


async def test_the_strip_follows_what_happens(visitor: Visitor) -> None:
    async def not_ready(route: Route) -> None:
        search = {"state": "not_ready", "reason": "the index is being built"}
        report = {"ready": False, "model_set": "demo-random", "services": {"search": search}}
        await route.fulfill(status=503, json=report)

    page = await visitor.open("/search")
    await page.get_by_text("search ready").wait_for()
    await page.route("**/readyz", not_ready)
    await page.get_by_text("search not ready: the index is being built").wait_for()
    assert await page.get_by_text("random weights, answers are empty of sense").is_visible()
