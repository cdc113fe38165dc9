"""Pages of a mesh that has an API key."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.browser.visitor import Visitor
from tests.gateway.running import KEY, Gateway, running_gateway, served

pytestmark = pytest.mark.slow


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with running_gateway(api_key=KEY) as running:
        yield running


@pytest.fixture
async def visitor(browser: Browser, gateway: Gateway) -> AsyncIterator[Visitor]:
    async with served(gateway.app, gateway.streams) as port:
        visitor = Visitor(browser, f"http://127.0.0.1:{port}")
        visitor.expects = {401}
        yield visitor
        assert await visitor.leave() == []


async def test_the_key_opens_the_page_until_it_is_given_back(visitor: Visitor) -> None:
    page = await visitor.open("/search")
    dialog = page.get_by_role("dialog", name="API key")
    await dialog.wait_for()
    await page.keyboard.type("a wrong key")
    await page.keyboard.press("Enter")
    await dialog.get_by_role("alert").get_by_text("This key is not valid.").wait_for()
    await page.keyboard.type(KEY)
    await page.keyboard.press("Enter")
    await page.get_by_text("3 pictures to find").wait_for()
    assert await dialog.is_hidden()
    await page.reload()
    await page.get_by_text("3 pictures to find").wait_for()
    await page.get_by_role("button", name="Sign out").click()
    await dialog.wait_for()


async def test_the_dialog_comes_back_with_the_next_refusal(visitor: Visitor) -> None:
    page = await visitor.open("/search")
    await page.get_by_role("button", name="Not now").click()
    await page.get_by_role("searchbox", name="Words").fill("a ring")
    await page.get_by_role("button", name="Search").click()
    await page.locator("#session-key").fill(KEY)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_text("Nothing is stored yet.").wait_for()


async def test_what_was_asked_for_goes_on_once_the_key_is_given(visitor: Visitor) -> None:
    page = await visitor.open("/generate")
    await page.get_by_role("button", name="Not now").click()
    await page.get_by_label("Prompt", exact=True).fill("a ring")
    await page.get_by_role("button", name="Generate").click()
    await page.locator("#session-key").fill(KEY)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_text("Finished.").wait_for()
