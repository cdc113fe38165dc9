"""How the pages look and read with results on them: light, dark and narrow."""

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Route, ViewportSize

from tests.browser.gestures import drop, jpeg_file
from tests.browser.visitor import Visitor
from tests.pictures import jpeg

pytestmark = pytest.mark.slow

FIRST = jpeg_file("first.jpg", jpeg(1))
BROKEN = jpeg_file(f"{'unbreakable' * 8}.jpg", b"no image")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
NARROW: ViewportSize = {"width": 320, "height": 640}
_BACKGROUND = "getComputedStyle(document.body).backgroundColor"
_WIDTH = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"


async def flagged(route: Route) -> None:
    answer = await route.fetch()
    if not answer.ok:
        return await route.fulfill(response=answer)
    told = await answer.json()
    told["results"][0]["flagged"] = True
    await route.fulfill(response=answer, json=told)


async def captioned(page: Page) -> None:
    await page.route("**/api/caption-images*", flagged)
    await page.get_by_role("radio", name="BLIP", exact=True).wait_for()
    await drop(page, "#images-drop", [FIRST, BROKEN])
    for _ in range(2):
        await page.get_by_role("button", name="Caption 2 images").click()
        await page.get_by_text("Finished: 1 of 2 done, 1 failed.").wait_for()
    for mark in ("Flagged", "From cache"):
        assert await page.get_by_text(mark, exact=True).is_visible()


async def found(page: Page) -> None:
    store = page.get_by_label("Choose pictures to store")
    copies = [jpeg_file("copy.jpg", jpeg(1, 300, 225)), jpeg_file("new.jpg", jpeg(2))]
    await store.set_input_files([FIRST, *copies, BROKEN])
    await page.get_by_text("3 stored, 0 there already, 1 failed.").wait_for()
    await page.get_by_role("button", name="List duplicates").click()
    await page.locator(".members").first.wait_for()
    await page.get_by_role("button", name="Start synchronisation").click()
    await page.get_by_text("Finished:").wait_for()
    await drop(page, "#query-drop", [FIRST])
    await page.locator(".hit").first.wait_for()


async def generated(page: Page) -> None:
    await page.get_by_label("Prompt", exact=True).fill("a gold ring with a red stone" * 3)
    await drop(page, "#start-image-drop", [FIRST])
    await page.get_by_label("Pictures").fill("2")
    for steps in ("4", "3"):
        await page.get_by_label("Steps", exact=True).fill(steps)
        await page.get_by_role("button", name="Generate").click()
        await page.locator("#shown dd").get_by_text(steps, exact=True).wait_for()


async def analysed(page: Page) -> None:
    await drop(page, "#image-drop", [FIRST])
    await page.get_by_role("button", name="Analyse").click()
    await page.get_by_text("Finished:").wait_for()
    await page.locator("#picture").click(position={"x": 200, "y": 150})
    await page.get_by_text("1 point").wait_for()
    await page.locator("#segments button").first.click()


async def violations(page: Page) -> list[str]:
    found = await Axe().run(page)
    return [f"{each['id']}: {each['nodes']}" for each in found.response["violations"]]


async def check_looks(page: Page, shots: Path) -> None:
    colours = set()
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert await violations(page) == [], scheme
        await page.screenshot(path=shots / f"{scheme}.png", full_page=True)
        colours.add(await page.evaluate(_BACKGROUND))
    assert len(colours) == 2
    await page.set_viewport_size(NARROW)
    scrolled, shown = await page.evaluate(_WIDTH)
    assert scrolled <= shown == NARROW["width"]
    assert await violations(page) == [], "narrow"
    await page.screenshot(path=shots / "narrow.png", full_page=True)


async def test_captions(visitor: Visitor, tmp_path: Path) -> None:
    visitor.expects = {415, 422}
    page = await visitor.open("/")
    await captioned(page)
    await check_looks(page, tmp_path)


async def test_search(visitor: Visitor, tmp_path: Path) -> None:
    visitor.expects = {415, 422}
    page = await visitor.open("/search")
    await found(page)
    await check_looks(page, tmp_path)


async def test_generate(visitor: Visitor, tmp_path: Path) -> None:
    page = await visitor.open("/generate")
    await generated(page)
    await check_looks(page, tmp_path)


async def test_generate_without_a_prompt(visitor: Visitor, tmp_path: Path) -> None:
    page = await visitor.open("/generate")
    await page.get_by_role("button", name="Generate").click()
    await page.get_by_text("Prompt is required.").wait_for()
    await check_looks(page, tmp_path)


async def test_analyze(visitor: Visitor, tmp_path: Path) -> None:
    page = await visitor.open("/analyze")
    await analysed(page)
    await check_looks(page, tmp_path)
