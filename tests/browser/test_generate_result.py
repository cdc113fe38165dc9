"""What the page that generates shows of its runs, over a painter that the test holds."""

import pytest
from playwright.async_api import Page, Route

from facetkit.errors import NotReady
from tests.browser.visitor import Visitor
from tests.gateway.running import Gateway

pytestmark = pytest.mark.slow


@pytest.fixture
async def page(gateway_visitor: Visitor) -> Page:
    page = await gateway_visitor.open("/generate")
    await page.get_by_label("Prompt", exact=True).fill("a ring")
    return page


async def start(page: Page) -> None:
    await page.get_by_role("button", name="Generate").click()


async def finished(page: Page) -> None:
    await start(page)
    await page.get_by_text("Finished.").wait_for()


async def test_a_new_run_takes_the_picture_before_away(gateway: Gateway, page: Page) -> None:
    await finished(page)
    gateway.generation.going.clear()
    await start(page)
    await page.get_by_text("Step 1 of 30").wait_for()
    shown, older = page.locator("#shown img"), page.locator("#history button")
    assert await shown.count() == 0
    assert await older.get_attribute("aria-pressed") == "false"
    await page.get_by_role("button", name="Cancel").press("Enter")
    await page.get_by_text("Cancelled.").wait_for()
    assert await shown.count() == 0
    assert await page.locator("#empty").is_visible()
    await older.click()
    await page.get_by_text("Shown again: seed 41.").wait_for()
    assert await shown.count() == 1
    assert await page.locator("#empty").is_hidden()


async def test_after_a_failure_the_picture_before_is_not_shown(
    gateway: Gateway, page: Page
) -> None:
    await finished(page)
    gateway.generation.breaks_with = NotReady("the worker hangs", retry_after_s=1)
    await start(page)
    await page.get_by_text("Nothing was made.").wait_for()
    assert await page.locator("#shown img").count() == 0
    assert await page.locator("#history li").count() == 1


async def test_a_prompt_that_is_cut_is_told_of(page: Page) -> None:
    told = page.get_by_text("The model read only the beginning of the prompt (77 tokens).")
    await finished(page)
    assert await told.count() == 0
    await page.get_by_label("Prompt", exact=True).fill("a ring " * 30)
    await start(page)
    await told.wait_for()


async def test_an_answer_may_say_nothing_of_a_cut(page: Page) -> None:
    async def leave_out(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.text()
        assert '"prompt_cut":false,' in body
        await route.fulfill(response=answer, body=body.replace('"prompt_cut":false,', ""))

    await page.route("**/generate?*", leave_out)
    await finished(page)
    assert await page.get_by_text("The model read only").count() == 0
    assert await page.locator("#shown").get_by_text("Model set:").is_visible()
