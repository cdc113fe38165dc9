"""Segments on the page that analyses, over a segmenter that the test holds."""

import pytest
from playwright.async_api import Page

from facetkit.errors import Unprocessable
from tests.browser.analysed_picture import LARGE, NONE, SMALL, alpha, analysed, hover, opened
from tests.browser.gestures import drop, jpeg_file, tab_to
from tests.browser.visitor import Visitor
from tests.gateway.running import Gateway
from tests.pictures import jpeg

pytestmark = pytest.mark.slow

SMALL_TOLD, LARGE_TOLD = "ring: 6,400 pixels, 8.3 %", "ring: 38,400 pixels, 50 %"


@pytest.fixture
async def page(gateway: Gateway, gateway_visitor: Visitor) -> Page:
    return await opened(gateway, gateway_visitor)


async def test_what_the_pointer_is_over_is_lit_and_told(page: Page) -> None:
    await analysed(page)
    assert await hover(page, SMALL) == SMALL_TOLD
    assert (await alpha(page, "#lit", SMALL), await alpha(page, "#lit", LARGE)) == (190, 0)
    assert await hover(page, LARGE) == LARGE_TOLD
    assert (await alpha(page, "#lit", SMALL), await alpha(page, "#lit", LARGE)) == (190, 190)
    assert await hover(page, NONE) == ""
    assert await alpha(page, "#lit", LARGE) == 0
    assert await page.locator("#outlines .lit").count() == 0


async def test_the_list_has_the_largest_first_and_lights_what_has_the_focus(page: Page) -> None:
    await analysed(page)
    await tab_to(page, "#segments button")
    assert await page.locator("#segment-told").inner_text() == LARGE_TOLD
    await page.keyboard.press("Tab")
    assert await page.locator("#segment-told").inner_text() == SMALL_TOLD
    await page.keyboard.press("Enter")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Shift+Tab")
    # What was picked stays lit.
    assert await page.locator("#segment-told").inner_text() == SMALL_TOLD


async def test_masks_and_outlines_can_be_hidden(page: Page) -> None:
    await analysed(page)
    assert (await alpha(page, "#masks", LARGE), await alpha(page, "#masks", NONE)) == (105, 0)
    for name in ("Masks", "Outlines"):
        layer = page.locator(f"#{name.lower()}")
        assert await layer.is_visible()
        await page.get_by_label(name).uncheck()
        assert await layer.is_hidden()


async def test_segments_without_a_likely_label_say_so(gateway: Gateway, page: Page) -> None:
    gateway.embedding.scores = {"ring": 0.4, "watch": 0.3}
    await analysed(page, "Finished: 2 segments, 0 named.")
    labels = await page.locator("#segments .label").all_inner_texts()
    assert labels == ["unlabelled", "unlabelled"]


async def test_segments_stay_where_they_cannot_be_named(
    page: Page, gateway_visitor: Visitor
) -> None:
    gateway_visitor.expects = {500}
    body = {"error": "internal error", "code": "internal", "request_id": "1"}
    await page.route("**/api/detect", lambda route: route.fulfill(status=500, json=body))
    await analysed(page, "2 segments found, not named: internal error (internal).")
    assert await hover(page, SMALL) == "unlabelled: 6,400 pixels, 8.3 %"


async def test_cancelling_ends_the_work(gateway: Gateway, page: Page) -> None:
    gateway.segmentation.stuck = True
    await page.get_by_role("button", name="Analyse").click()
    await gateway.segmentation.entered.wait()
    await page.get_by_role("button", name="Cancel").press("Enter")
    await page.get_by_text("Cancelled.").wait_for()
    await gateway.segmentation.cancelled.wait()
    assert await page.evaluate("document.activeElement.id") == "start"
    gateway.segmentation.stuck = False
    await analysed(page)


async def test_what_is_one_is_told_as_one(gateway: Gateway, page: Page) -> None:
    gateway.segmentation.parts = [(0, 0, 1, 1)]
    await analysed(page, "Finished: 1 segment, 1 named.")
    assert (await page.locator("#segments .help").inner_text()).startswith("1 pixel, ")


async def test_another_picture_takes_the_result_away(page: Page) -> None:
    await analysed(page)
    await drop(page, "#image-drop", [jpeg_file("other.jpg", jpeg(2))])
    await page.locator("#analysis").wait_for(state="hidden")
    assert await page.locator("#status").inner_text() == ""
    await analysed(page)
    await page.get_by_role("button", name="Remove other.jpg").click()
    await page.locator("#analysis").wait_for(state="hidden")
    assert await page.locator("#empty").is_visible()
    assert await page.locator("#segments li").count() == 0


async def test_another_picture_ends_the_work_on_the_one_before(
    gateway: Gateway, page: Page
) -> None:
    gateway.segmentation.stuck = True
    await page.get_by_role("button", name="Analyse").click()
    await gateway.segmentation.entered.wait()
    await drop(page, "#image-drop", [jpeg_file("other.jpg", jpeg(2))])
    await page.get_by_text("Cancelled.").wait_for()
    await gateway.segmentation.cancelled.wait()
    assert await page.locator("#analysis").is_hidden()
    gateway.segmentation.stuck = False
    await analysed(page)


async def test_another_picture_ends_the_naming_of_the_one_before(page: Page) -> None:
    await page.route("**/api/detect", lambda route: None)
    await page.get_by_role("button", name="Analyse").click()
    await page.get_by_text("2 segments found. Naming them…").wait_for()
    await page.get_by_role("button", name="Remove picture.jpg").click()
    await page.get_by_text("Cancelled.").wait_for()
    assert await page.locator("#analysis").is_hidden()


async def test_a_new_run_takes_the_result_before_away(gateway: Gateway, page: Page) -> None:
    await analysed(page)
    gateway.segmentation.stuck = True
    gateway.segmentation.entered.clear()
    await page.get_by_role("button", name="Analyse").click()
    await gateway.segmentation.entered.wait()
    assert await page.locator("#analysis").is_hidden()
    await page.get_by_role("button", name="Cancel").press("Enter")
    await page.get_by_text("Cancelled.").wait_for()
    assert await page.locator("#analysis").is_hidden()


async def test_a_run_that_fails_shows_no_result(
    gateway: Gateway, gateway_visitor: Visitor, page: Page
) -> None:
    gateway_visitor.expects = {422}
    await analysed(page)
    gateway.segmentation.fails_with = Unprocessable("the image is damaged")
    await page.get_by_role("button", name="Analyse").click()
    await page.get_by_text("Nothing was analysed").wait_for()
    assert await page.locator("#analysis").is_hidden()
