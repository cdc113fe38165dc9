"""The page that generates while it waits, over a painter that the test holds."""

import pytest
from playwright.async_api import Page

from facetkit.errors import NotReady, Overloaded
from tests.browser.visitor import Visitor
from tests.gateway.running import Gateway

pytestmark = pytest.mark.slow

PROMPT = "<b>a ring</b>"
_LISTEN = """() => {
  window.said = [];
  const note = ({ addedNodes }) => addedNodes.forEach((node) => said.push(node.textContent));
  const observer = new MutationObserver((records) => records.forEach(note));
  observer.observe(document.querySelector("#status"), { childList: true });
}"""


@pytest.fixture
async def page(gateway_visitor: Visitor) -> Page:
    page = await gateway_visitor.open("/generate")
    await page.get_by_label("Prompt", exact=True).fill(PROMPT)
    return page


async def start(page: Page) -> None:
    await page.get_by_role("button", name="Generate").click()


async def held(gateway: Gateway, page: Page) -> None:
    gateway.generation.going.clear()
    await start(page)
    await page.get_by_text("Step 1 of 30").wait_for()


async def test_the_way_to_a_picture_is_told(gateway: Gateway, page: Page) -> None:
    await page.evaluate(_LISTEN)
    await held(gateway, page)
    bar = page.get_by_role("progressbar", name="Drawing")
    assert await bar.evaluate("(it) => [it.value, it.max]") == [1, 30]
    assert await page.get_by_alt_text("The picture so far").is_hidden()
    gateway.generation.going.set()
    await page.get_by_text("Finished.").wait_for()
    assert await page.evaluate("said") == [
        "Asking for the picture…",
        "2 pictures before yours",
        "Drawing…",
        "Finished.",
    ]
    assert await bar.is_hidden()
    assert (await page.locator("#preview").get_attribute("src") or "").startswith("data:image/png")
    assert await page.locator("#history .name").inner_text() == PROMPT


async def test_cancelling_ends_the_work_and_leaves_the_form(gateway: Gateway, page: Page) -> None:
    await page.get_by_label("Seed", exact=True).fill("9")
    await held(gateway, page)
    await page.get_by_role("button", name="Cancel").press("Enter")
    await page.get_by_text("Cancelled.").wait_for()
    await gateway.generation.until_unfinished(PROMPT)
    assert await page.get_by_label("Prompt", exact=True).input_value() == PROMPT
    assert await page.get_by_label("Seed", exact=True).input_value() == "9"
    assert await page.evaluate("document.activeElement.id") == "start"
    assert await page.locator("#history li").count() == 0
    gateway.generation.going.set()
    await start(page)
    await page.get_by_text("Finished.").wait_for()


async def test_leaving_the_page_ends_the_work(gateway: Gateway, page: Page) -> None:
    await held(gateway, page)
    await page.get_by_role("link", name="Search").click()
    await page.wait_for_url("**/search")
    await gateway.generation.until_unfinished(PROMPT)


async def test_what_is_busy_is_asked_again(
    gateway: Gateway, gateway_visitor: Visitor, page: Page
) -> None:
    gateway_visitor.expects = {429}
    gateway.generation.fails_with = Overloaded("too many pictures at once", retry_after_s=1)
    await start(page)
    await page.get_by_text("Next try in 1 s (1 of 5)").wait_for()
    gateway.generation.fails_with = None
    await page.get_by_text("Finished.").wait_for()
    assert len(gateway.generation.requests) >= 2


async def test_a_failure_on_the_way_is_told(gateway: Gateway, page: Page) -> None:
    gateway.generation.breaks_with = NotReady("the worker hangs", retry_after_s=1)
    await start(page)
    await page.get_by_role("alert").get_by_text("the worker hangs (not_ready)").wait_for()
    assert await page.get_by_text("Nothing was made.").is_visible()
    assert await page.get_by_role("button", name="Cancel").is_disabled()


async def test_the_history_keeps_the_last_pictures(gateway: Gateway, page: Page) -> None:
    await page.get_by_label("Steps", exact=True).fill("1")
    for seed in range(13):
        await page.get_by_label("Seed", exact=True).fill(str(seed))
        await start(page)
        await page.locator("#history li").first.get_by_text(f"Seed {seed}", exact=True).wait_for()
    seeds = await page.locator("#history .help").all_inner_texts()
    assert seeds == [f"Seed {seed}" for seed in range(12, 0, -1)]
