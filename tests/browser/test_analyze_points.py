"""Points on the page that analyses, and what is cut out by them."""

import pytest
from playwright.async_api import Page

from facetkit.errors import Unprocessable
from tests.browser.analysed_picture import LARGE, NONE, SMALL, alpha, analysed, click, opened
from tests.browser.visitor import Visitor
from tests.gateway.running import Gateway

pytestmark = pytest.mark.slow

MAX_POINTS = 64
LARGE_TOLD = "ring: 38,400 pixels, 50 %"


@pytest.fixture
async def page(gateway: Gateway, gateway_visitor: Visitor) -> Page:
    return await opened(gateway, gateway_visitor)


async def test_clicks_cut_out_what_is_meant(gateway: Gateway, page: Page) -> None:
    await analysed(page)
    await click(page, SMALL)
    quality = "predicted IoU 87.5 %, stability 75 %"
    await page.get_by_text(f"By 1 point: 76,800 pixels, 100 %; {quality}.").wait_for()
    assert await alpha(page, "#pointed", NONE) == 150
    await page.keyboard.down("Shift")
    await click(page, LARGE)
    await page.keyboard.up("Shift")
    await page.get_by_text("By 2 points:").wait_for()
    points = gateway.segmentation.requests[-1].points
    assert [(int(at.x), int(at.y), at.excluded) for at in points] == [
        (*SMALL, False),
        (*LARGE, True),
    ]
    await page.get_by_role("button", name="Clear the points").click()
    assert await page.locator("#marks .in, #marks .out").count() == 0
    assert await alpha(page, "#pointed", NONE) == 0
    assert await page.locator("#points-told").inner_text() == ""


async def test_points_that_only_leave_out_are_not_sent(gateway: Gateway, page: Page) -> None:
    await analysed(page)
    asked = len(gateway.segmentation.requests)
    await page.get_by_label("Points leave out").check()
    await click(page, SMALL)
    await page.get_by_text("Add a point that is to be cut out.").wait_for()
    assert len(gateway.segmentation.requests) == asked
    assert await page.locator("#marks .out").count() == 1


async def test_the_crosshair_points_by_keyboard(gateway: Gateway, page: Page) -> None:
    await analysed(page)
    await page.locator("#picture").focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp"):
        await page.keyboard.press(key)
    assert await page.locator("#segment-told").inner_text() == LARGE_TOLD
    await page.keyboard.press("Enter")
    await page.get_by_text("By 1 point:").wait_for()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Shift+Enter")
    await page.get_by_text("By 2 points:").wait_for()
    points = gateway.segmentation.requests[-1].points
    assert [(at.x, at.y, at.excluded) for at in points] == [
        (144.5, 112.5, False),
        (152.5, 112.5, True),
    ]


async def test_a_point_beyond_the_most_is_not_added(gateway: Gateway, page: Page) -> None:
    await analysed(page)
    await page.locator("#picture").focus()
    for _ in range(MAX_POINTS):
        await page.keyboard.press("Enter")
    await page.get_by_text(f"By {MAX_POINTS} points:").wait_for()
    asked = len(gateway.segmentation.requests)
    await page.keyboard.press("Enter")
    await page.get_by_text("64 points are the most; this one was not added.").wait_for()
    assert await page.locator("#marks .in").count() == MAX_POINTS
    assert await alpha(page, "#pointed", NONE) == 150
    await page.get_by_role("button", name="Remove the last point").click()
    await page.get_by_text(f"By {MAX_POINTS - 1} points:").wait_for()
    assert len(gateway.segmentation.requests) == asked + 1


async def test_what_was_cut_out_stays_where_a_point_is_refused(
    gateway: Gateway, gateway_visitor: Visitor, page: Page
) -> None:
    gateway_visitor.expects = {422}
    await analysed(page)
    await click(page, SMALL)
    await page.get_by_text("By 1 point:").wait_for()
    gateway.segmentation.fails_with = Unprocessable("there is nothing to cut out")
    await click(page, LARGE)
    await page.get_by_text("there is nothing to cut out").wait_for()
    assert await alpha(page, "#pointed", NONE) == 150
    assert await page.locator("#marks .pointed").get_attribute("d")
    assert await page.locator("#marks .in").count() == 2


async def test_the_last_point_can_be_removed(gateway: Gateway, page: Page) -> None:
    await analysed(page)
    remove = page.get_by_role("button", name="Remove the last point")
    assert await remove.is_disabled()
    for number, place in enumerate((SMALL, LARGE), 1):
        await click(page, place)
        await page.get_by_text(f"By {number} point").wait_for()
    await remove.press("Enter")
    await page.get_by_text("By 1 point:").wait_for()
    [point] = gateway.segmentation.requests[-1].points
    assert (int(point.x), int(point.y)) == SMALL
    await remove.press("Enter")
    assert await page.locator("#marks .in").count() == 0
    assert await alpha(page, "#pointed", NONE) == 0
    assert await remove.is_disabled()
    assert await page.evaluate("document.activeElement.id") == "picture"


async def test_the_points_go_with_their_picture(page: Page) -> None:
    await analysed(page)
    await click(page, SMALL)
    await page.get_by_text("By 1 point:").wait_for()
    await page.get_by_role("button", name="Remove picture.jpg").click()
    assert await page.locator("#marks .in").count() == 0
    assert await page.locator("#clear-points").is_disabled()
    assert await page.locator("#points-told").inner_text() == ""
