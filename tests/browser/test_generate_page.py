"""The page that generates, over a running mesh."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.browser.gestures import choose, drop, jpeg_file, tab_to
from tests.browser.visitor import Visitor
from tests.mesh.running_mesh import RunningMesh
from tests.pictures import jpeg

pytestmark = pytest.mark.slow

START = jpeg_file("start.jpg", jpeg(1))
QUEUED = 'vision_queue_depth{family="generation",lane="interactive"}'
PNG = b"\x89PNG\r\n"


@pytest.fixture
async def page(visitor: Visitor) -> Page:
    return await visitor.open("/generate")


async def ask(page: Page, prompt: str, **numbers: int) -> None:
    await page.get_by_label("Prompt", exact=True).fill(prompt)
    for label, number in {"Steps": 3, **numbers}.items():
        await page.get_by_label(label, exact=True).fill(str(number))
    await page.get_by_role("button", name="Generate").click()


async def made(page: Page, prompt: str, **numbers: int) -> None:
    await ask(page, prompt, **numbers)
    await page.locator("#shown").get_by_alt_text(prompt, exact=True).first.wait_for()
    await page.get_by_text("Finished.").wait_for()


async def downloaded(page: Page) -> bytes:
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download the picture").click()
    file = await download.value
    assert file.suggested_filename.endswith(".png")
    return Path(await file.path()).read_bytes()


async def shown_seed(page: Page) -> str:
    text = await page.locator("figcaption span").first.inner_text()
    return text.removeprefix("Seed ")


async def test_a_picture_comes_with_what_it_was_made_from(page: Page) -> None:
    await page.get_by_label("Labels").fill("ring, a watch")
    await made(page, "a gold ring", Steps=5, Width=256, Height=192)
    image = page.locator("#shown img")
    assert await image.evaluate("(it) => [it.naturalWidth, it.naturalHeight]") == [256, 192]
    facts = await page.locator("#shown dl").inner_text()
    for fact in ("stable-diffusion-v1-5", "5", "7.5", "256 × 192", "pndm"):
        assert fact in facts.splitlines()
    assert await page.get_by_text("Computed at 128 × 96 pixels, then resized.").is_visible()
    assert await page.locator("#shown").get_by_text("Model set: demo").is_visible()
    assert sorted(await page.locator(".bars .label").all_inner_texts()) == ["a watch", "ring"]
    meters = await page.locator(".bars meter").evaluate_all("(all) => all.map((it) => it.value)")
    assert meters == sorted(meters, reverse=True)
    assert (await downloaded(page)).startswith(PNG)


async def test_a_seed_that_is_reused_makes_the_same_picture(page: Page) -> None:
    await made(page, "a necklace", Width=64, Height=64)
    first, seed = await downloaded(page), await shown_seed(page)
    await made(page, "a necklace of stones")
    assert await downloaded(page) != first
    await page.get_by_label("Prompt", exact=True).fill("a necklace")
    await page.get_by_label("Seed", exact=True).fill(seed)
    await page.get_by_role("button", name="Generate").click()
    await page.locator("#history li").nth(2).wait_for()
    assert await downloaded(page) == first
    await page.get_by_label("Seed", exact=True).fill("")
    await page.get_by_role("button", name="Reuse seed").click()
    assert await page.get_by_label("Seed", exact=True).input_value() == seed


async def test_the_history_shows_a_picture_again_and_fills_the_form(page: Page) -> None:
    await drop(page, "#start-image-drop", [START])
    await made(page, "the first", Steps=4, Pictures=2, Width=128, Height=64)
    seed = await shown_seed(page)
    await page.get_by_role("button", name="Remove start.jpg").click()
    await made(page, "the second", Steps=3, Pictures=1)
    assert await page.locator("#history .name").all_inner_texts() == ["the second", "the first"]
    older = page.locator("#history button").nth(1)
    await older.click()
    assert await older.get_attribute("aria-pressed") == "true"
    assert await page.locator("#shown").get_by_alt_text("the first", exact=True).count() == 2
    assert await shown_seed(page) == seed
    assert await page.get_by_label("Prompt", exact=True).input_value() == "the first"
    assert await page.get_by_label("Steps", exact=True).input_value() == "4"
    assert await page.get_by_label("Seed", exact=True).input_value() == seed
    assert await page.get_by_role("button", name="Remove start.jpg").is_visible()


async def test_several_pictures_count_their_seeds_on(page: Page) -> None:
    await drop(page, "#start-image-drop", [START])
    await page.get_by_label("Strength").fill("0.5")
    await page.get_by_label("Scheduler").select_option("ddim")
    await made(page, "rings", Pictures=3, Seed=41, Width=64, Height=64)
    seeds = await page.locator("figcaption span").all_inner_texts()
    assert seeds == ["Seed 41", "Seed 42", "Seed 43"]
    assert "ddim" in await page.locator("#shown dl").inner_text()


async def test_the_keyboard_alone_is_enough(page: Page) -> None:
    await tab_to(page, "#prompt")
    await page.keyboard.type("a brooch")
    await tab_to(page, "#samples")
    await page.keyboard.type("2")
    await tab_to(page, "#start-image")
    await choose(page, [START])
    await tab_to(page, "#strength")
    await tab_to(page, "#start")
    await page.keyboard.press("Enter")
    await page.locator("#shown").get_by_alt_text("a brooch").wait_for()
    await page.get_by_text("Finished.").wait_for()
    seed = await shown_seed(page)
    await tab_to(page, "figcaption button")
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "seed"
    assert await page.get_by_label("Seed", exact=True).input_value() == seed
    await tab_to(page, "#history button")
    await page.keyboard.press("Space")
    await page.get_by_text(f"Shown again: seed {seed}.").wait_for()


async def test_cancelled_work_ends_and_lets_others_in(page: Page, mesh: RunningMesh) -> None:
    await ask(page, "a long way", Steps=150, Pictures=4, Seed=7)
    await page.get_by_text(re.compile(r"^Step \d+ of 150$")).wait_for()
    assert mesh.metrics("vision")[QUEUED] > 0
    await page.get_by_role("button", name="Cancel").press("Enter")
    await page.get_by_text("Cancelled.").wait_for()
    while mesh.metrics("vision")[QUEUED]:
        await page.wait_for_timeout(50)
    assert await page.get_by_label("Steps", exact=True).input_value() == "150"
    assert await page.get_by_label("Seed", exact=True).input_value() == "7"
    assert await page.locator("#shown img").count() == 0
    await made(page, "a short way", Steps=1, Pictures=1, Width=64, Height=64)
