"""What the page that generates takes, and what it says of the rest."""

import pytest
from playwright.async_api import Page

from facetkit.errors import InvalidInput
from tests.browser.gestures import drop, jpeg_file
from tests.browser.visitor import Visitor
from tests.gateway.running import Gateway
from tests.pictures import jpeg

pytestmark = pytest.mark.slow

START = jpeg_file("start.jpg", jpeg(1))


@pytest.fixture
async def page(gateway_visitor: Visitor) -> Page:
    page = await gateway_visitor.open("/generate")
    await page.get_by_label("Prompt", exact=True).fill("a ring")
    return page


async def start(page: Page) -> None:
    await page.get_by_role("button", name="Generate").click()


async def made(page: Page) -> None:
    await start(page)
    await page.get_by_text("Finished.").wait_for()


async def check_told(page: Page, told: dict[str, str]) -> None:
    await page.get_by_text("see the marked fields").wait_for()
    for field, text in told.items():
        assert await page.locator(field).get_attribute("aria-invalid") == "true"
        assert await page.locator(f"{field}-error").inner_text() == text
    assert await page.locator("[aria-invalid]").count() == len(told)
    first, *_ = told
    assert f"#{await page.evaluate('document.activeElement.id')}" == first


@pytest.mark.parametrize("prompt", ["", " \n"])
async def test_without_a_prompt_nothing_is_sent(gateway: Gateway, page: Page, prompt: str) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    await page.get_by_label("Prompt", exact=True).fill(prompt)
    await start(page)
    await check_told(page, {"#prompt": "Prompt is required."})
    assert "POST" not in sent
    await page.get_by_label("Prompt", exact=True).fill("a ring")
    await made(page)
    assert await page.locator("[aria-invalid]").count() == 0


async def test_bad_fields_are_told_of_where_they_are(page: Page, gateway_visitor: Visitor) -> None:
    gateway_visitor.expects = {400}
    await page.get_by_label("Width").fill("65")
    await page.get_by_label("Seed", exact=True).fill("-1")
    await start(page)
    told = {
        "#width": "Width must be a multiple of 8.",
        "#seed": "Seed must be a whole number from 0 to 4294967295.",
    }
    await check_told(page, told)


async def test_reasons_that_are_sentences_stand_alone(
    gateway: Gateway, gateway_visitor: Visitor, page: Page
) -> None:
    gateway_visitor.expects = {400}
    reasons = {
        "prompt": "may not be so",
        "labels": "are many",
        "samples": "has no end",
        "cfg": "is odd.",
        "width": "must be wide",
        "init_image": "the content is not a picture",
        "height": "mustard is no height.",
    }
    gateway.generation.fails_with = InvalidInput("bad fields", fields=reasons)
    await start(page)
    told = {
        "#prompt": "Prompt may not be so.",
        "#labels": "Labels are many.",
        "#samples": "Steps has no end.",
        "#cfg": "Guidance is odd.",
        "#width": "Width must be wide.",
        "#start-image": "The content is not a picture.",
        "#height": "Mustard is no height.",
    }
    await check_told(page, told)


async def test_numbers_that_stay_empty_take_their_defaults(gateway: Gateway, page: Page) -> None:
    await drop(page, "#start-image-drop", [START])
    for number in ("1", ""):
        for label in ("Strength", "Steps", "Guidance"):
            await page.get_by_label(label, exact=True).fill(number)
        await made(page)
    first, second = (
        (asked.steps, asked.guidance_scale, asked.strength) for asked in gateway.generation.requests
    )
    assert first == (1, 1, 1)
    assert second == pytest.approx((30, 7.5, 0.8))
