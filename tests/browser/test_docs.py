"""The API pages in a real browser, with no internet."""

import pytest
from playwright.async_api import Page

from tests.browser.visitor import Visitor

pytestmark = pytest.mark.slow


@pytest.fixture
async def page(visitor: Visitor) -> Page:
    page = await visitor.open("/docs", viewport={"width": 1280, "height": 1600})
    await page.get_by_text("/api/search", exact=True).first.wait_for()
    return page


async def test_every_route_is_shown(page: Page) -> None:
    for route in ("/api/images", "/api/search", "/api/search/statistics", "/upload", "/healthz"):
        assert await page.get_by_text(route, exact=True).count() >= 1


async def test_a_search_can_be_sent_as_it_stands(page: Page) -> None:
    operation = page.locator("[id$=search_api_search_post]")
    await operation.locator("button").first.click()
    await operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table")
    await answer.get_by_text("200", exact=True).first.wait_for()
    assert '"results"' in await answer.inner_text()
