"""Segments and points of the page that analyses, over a segmenter that the test holds."""

import pytest
from playwright.async_api import Page

from tests.browser.gestures import drop, jpeg_file, tab_to
from tests.browser.visitor import Visitor
from tests.gateway.running import Gateway
from tests.pictures import jpeg

pytestmark = pytest.mark.slow

WIDTH, HEIGHT = 320, 240
PICTURE = jpeg_file("picture.jpg", jpeg(1, WIDTH, HEIGHT))
SMALL, LARGE, NONE = (80, 80), (150, 200), (300, 100)
SMALL_TOLD, LARGE_TOLD = "ring: 6,400 pixels, 8.3 %", "ring: 38,400 pixels, 50 %"
_ALPHA = """([canvas, x, y]) => {
  // Chromium complains of a canvas of the page that is read again and again.
  const copy = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, -Math.floor(x * canvas.width), -Math.floor(y * canvas.height));
  return copy.getImageData(0, 0, 1, 1).data[3];
}"""


@pytest.fixture
async def page(gateway: Gateway, gateway_visitor: Visitor) -> Page:
    gateway.segmentation.parts = [(40, 40, 120, 120), (0, 0, 160, 240)]
    gateway.embedding.scores = {"ring": 0.9}
    page = await gateway_visitor.open("/analyze")
    await page.get_by_label("Labels").fill("ring, watch")
    await drop(page, "#image-drop", [PICTURE])
    return page


async def analysed(page: Page, ending: str = "Finished: 2 segments, 2 named.") -> None:
    await page.get_by_role("button", name="Analyse").click()
    await page.get_by_text(ending).wait_for()


async def position(page: Page, place: tuple[int, int]) -> tuple[float, float]:
    """A pixel of the picture in the page."""
    box = await page.locator("#picture").bounding_box()
    assert box
    x, y = ((at + 0.5) / size for at, size in zip(place, (WIDTH, HEIGHT), strict=True))
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


async def hover(page: Page, place: tuple[int, int]) -> str:
    await page.locator("#picture").scroll_into_view_if_needed()
    await page.mouse.move(*await position(page, place))
    return await page.locator("#segment-told").inner_text()


async def click(page: Page, place: tuple[int, int]) -> None:
    await page.locator("#picture").scroll_into_view_if_needed()
    await page.mouse.click(*await position(page, place))


async def alpha(page: Page, layer: str, place: tuple[int, int]) -> int:
    canvas = await page.query_selector(layer)
    shares = [(at + 0.5) / size for at, size in zip(place, (WIDTH, HEIGHT), strict=True)]
    found: int = await page.evaluate(_ALPHA, [canvas, *shares])
    return found


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
