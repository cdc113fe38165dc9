"""The page that analyses, over a running mesh."""

import re

import pytest
from playwright.async_api import Page

from tests.browser.gestures import choose, drop, jpeg_file, tab_to
from tests.browser.visitor import Visitor
from tests.mesh.running_mesh import RunningMesh
from tests.pictures import jpeg

pytestmark = pytest.mark.slow

FIRST = jpeg_file("first.jpg", jpeg(1))
BROKEN = jpeg_file("broken.jpg", jpeg(1)[:400])
QUEUED = 'vision_queue_depth{family="segmentation",lane="interactive"}'
POINTED = re.compile("^By 1 point: |^Nothing was found at 1 point")


@pytest.fixture
async def page(visitor: Visitor) -> Page:
    return await visitor.open("/analyze")


async def analysed(page: Page) -> None:
    await drop(page, "#image-drop", [FIRST])
    await page.get_by_role("button", name="Analyse").click()
    await page.get_by_text("Finished:").wait_for()


async def test_a_picture_is_taken_apart_and_named(page: Page) -> None:
    await page.get_by_label("Labels").fill("ring, a watch")
    await analysed(page)
    segments = await page.locator("#segments .help").all_inner_texts()
    areas = [int(text.split(" ")[0].replace(",", "")) for text in segments]
    assert areas == sorted(areas, reverse=True)
    assert await page.locator("#outlines path").count() == len(areas) > 0
    labels = set(await page.locator("#segments .label").all_inner_texts())
    assert labels <= {"ring", "a watch", "unlabelled"}
    assert sorted(await page.locator(".bars .label").all_inner_texts()) == ["a watch", "ring"]
    assert "Model set: demo" in await page.locator("#models").inner_text()


async def test_the_keyboard_alone_is_enough(page: Page) -> None:
    await tab_to(page, "#image")
    await choose(page, [FIRST])
    await tab_to(page, "#start")
    await page.keyboard.press("Enter")
    await page.get_by_text("Finished:").wait_for()
    await tab_to(page, "#picture")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await page.get_by_text(POINTED).wait_for()
    await tab_to(page, "#clear-points")
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "picture"
    await tab_to(page, "#segments button")
    button = page.locator("#segments button").first
    label = await button.locator(".label").inner_text()
    told = f"{label}: {await button.locator('.help').inner_text()}"
    assert await page.locator("#segment-told").inner_text() == told


async def test_a_bad_picture_is_told_of_at_its_field(page: Page, visitor: Visitor) -> None:
    visitor.expects = {422}
    await drop(page, "#image-drop", [BROKEN])
    await page.get_by_role("button", name="Analyse").click()
    await page.locator("#image[aria-invalid]").wait_for()
    told = await page.locator("#image-error").inner_text()
    assert told.startswith("The image ")
    assert "The picture" not in told
    assert await page.locator("#analysis").is_hidden()
    await analysed(page)
    assert await page.locator("[aria-invalid]").count() == 0


async def test_without_a_picture_nothing_is_sent(page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    await page.get_by_role("button", name="Analyse").click()
    await page.get_by_text("The picture must be chosen first.").wait_for()
    assert await page.evaluate("document.activeElement.id") == "image"
    assert "POST" not in sent


async def test_cancelled_work_ends_and_lets_others_in(page: Page, mesh: RunningMesh) -> None:
    await drop(page, "#image-drop", [jpeg_file("large.jpg", jpeg(2, 3000, 2000))])
    async with page.expect_event("requestfailed") as failed:
        async with page.expect_request("**/analyze?*"):
            await page.get_by_role("button", name="Analyse").click()
        await page.get_by_role("button", name="Cancel").press("Enter")
    assert "/analyze" in (await failed.value).url
    await page.get_by_text("Cancelled.").wait_for()
    while mesh.metrics("vision")[QUEUED]:
        await page.wait_for_timeout(50)
    assert await page.evaluate("document.activeElement.id") == "start"
    await page.get_by_role("button", name="Remove large.jpg").click()
    await analysed(page)
