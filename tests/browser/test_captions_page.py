"""The captions page over a running mesh."""

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import Page, Route

from tests.browser.gestures import choose, drop, jpeg_file, tab_to
from tests.browser.visitor import Visitor
from tests.pictures import jpeg

pytestmark = pytest.mark.slow

FIRST = jpeg_file("first.jpg", jpeg(1))
SECOND = jpeg_file("second.jpg", jpeg(2))
BROKEN = jpeg_file("broken.jpg", b"no image at all")


@pytest.fixture
async def page(visitor: Visitor) -> Page:
    page = await visitor.open("/")
    await page.get_by_role("radio", name="BLIP", exact=True).wait_for()
    return page


async def finished(page: Page, text: str) -> None:
    await page.get_by_text(f"Finished: {text}").wait_for()


async def test_a_caption_comes_for_each_image_and_then_from_the_cache(page: Page) -> None:
    await drop(page, "#images-drop", [FIRST, SECOND])
    await page.get_by_role("button", name="Caption 2 images").click()
    await finished(page, "2 of 2 done.")
    captions = await page.locator(".caption").all_inner_texts()
    assert len(captions) == 2
    assert all(captions)
    assert await page.locator(".tags li").count() >= 2
    await page.get_by_role("button", name="Caption 2 images").click()
    await page.get_by_text("From cache").nth(1).wait_for()
    assert await page.locator(".caption").all_inner_texts() == captions


async def test_the_keyboard_alone_is_enough(page: Page) -> None:
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await tab_to(page, "[name=model]")
    await page.keyboard.press("ArrowDown")
    assert await page.get_by_role("radio", name="BLIP-2", exact=True).is_checked()
    await tab_to(page, "#images")
    await choose(page, [SECOND])
    await tab_to(page, "#caption-prompt")
    await page.keyboard.type("a picture of")
    await page.keyboard.press("Enter")
    await finished(page, "1 of 1 done.")
    assert await page.locator(".caption").inner_text()


async def test_chat_models_caption_all_images_together(page: Page) -> None:
    together = page.get_by_role("radio", name="One for all together")
    assert await together.is_disabled()
    await page.get_by_role("radio", name="Gemma 3", exact=True).check()
    await together.check()
    await drop(page, "#images-drop", [FIRST, SECOND])
    await page.get_by_role("button", name="Caption 2 images together").click()
    await finished(page, "1 of 1 done.")
    card = page.locator(".card")
    assert await card.get_by_role("heading").inner_text() == "2 images together"
    assert await card.locator("img").count() == 2


async def test_a_bad_file_is_told_of_beside_the_good_ones(page: Page, visitor: Visitor) -> None:
    visitor.expects = {415, 422}
    await drop(page, "#images-drop", [BROKEN, FIRST])
    await page.get_by_role("button", name="Caption 2 images").click()
    await finished(page, "1 of 2 done, 1 failed.")
    bad = page.locator(".card").filter(has_text="broken.jpg")
    assert await bad.get_attribute("data-state") == "failed"
    assert "(unsupported_media)" in await bad.inner_text()
    assert await page.locator(".card .caption").count() == 1


async def test_names_of_files_are_text(page: Page) -> None:
    name = "<img src=x onerror=alert(1)>.jpg"
    await drop(page, "#images-drop", [jpeg_file(name, jpeg(3))])
    await page.get_by_role("button", name="Caption 1 image").click()
    await finished(page, "1 of 1 done.")
    assert await page.locator(".card h3").inner_text() == name
    await page.get_by_role("button", name=f"Remove {name}").click()
    assert await page.locator("#chosen li").count() == 0


async def test_what_is_busy_is_asked_again(page: Page, visitor: Visitor) -> None:
    visitor.expects = {429}
    refused: list[str] = []

    async def refuse_once(route: Route) -> None:
        if refused:
            return await route.continue_()
        refused.append(route.request.url)
        body = {"error": "too many captions at once", "code": "overloaded", "request_id": "1"}
        await route.fulfill(status=429, headers={"Retry-After": "1"}, json=body)

    await page.route("**/api/caption-images*", refuse_once)
    await drop(page, "#images-drop", [FIRST])
    await page.get_by_role("button", name="Caption 1 image").click()
    await page.get_by_text("Next try in 1 s (1 of 5)").wait_for()
    await finished(page, "1 of 1 done.")


async def test_a_run_can_be_cancelled(page: Page) -> None:
    asked = asyncio.Event()

    async def never_answer(route: Route) -> None:
        asked.set()

    await page.route("**/api/caption-images*", never_answer)
    await drop(page, "#images-drop", [FIRST, SECOND] * 4)
    await page.get_by_role("button", name="Caption 8 images").click()
    await asked.wait()
    await page.get_by_role("button", name="Cancel").press("Enter")
    await page.get_by_text("Cancelled: 0 of 8 done.").wait_for()
    assert await page.locator(".card[data-state=cancelled]").count() == 8
    assert await page.evaluate("document.activeElement.id") == "start"


async def test_a_model_that_is_not_ready_says_why(page: Page) -> None:
    async def without_licence(route: Route) -> None:
        answer = await (await route.fetch()).json()
        for model in answer["models"]:
            if model["key"] == "gemma":
                model |= {"state": "not_ready", "reason": "licence and token needed"}
        await route.fulfill(body=json.dumps(answer), content_type="application/json")

    await page.route("**/api/caption-models", without_licence)
    await page.reload()
    gemma = page.get_by_role("radio", name="Gemma 3", exact=True)
    await gemma.wait_for()
    assert await gemma.is_disabled()
    assert await page.get_by_text("not ready, licence and token needed").is_visible()


async def test_without_images_nothing_is_sent(page: Page) -> None:
    sent: list[Any] = []
    page.on("request", lambda request: sent.append(request.method))
    await page.get_by_role("button", name="Caption the images").click()
    await page.get_by_text("Choose at least one image first.").wait_for()
    assert await page.evaluate("document.activeElement.id") == "images"
    assert "POST" not in sent


async def test_the_cache_can_be_reset(page: Page) -> None:
    await drop(page, "#images-drop", [FIRST])
    await page.get_by_role("button", name="Caption 1 image").click()
    await finished(page, "1 of 1 done.")
    await page.get_by_role("button", name="Reset the cache").click()
    await page.get_by_text("The cache is empty:").wait_for()
    await page.get_by_role("button", name="Caption 1 image").click()
    await finished(page, "1 of 1 done.")
    assert await page.get_by_text("From cache").count() == 0
