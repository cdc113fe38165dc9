"""The search page over a running mesh."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page

from tests.browser.gestures import choose, drop, jpeg_file, tab_to
from tests.browser.visitor import Visitor
from tests.mesh.running_mesh import RunningMesh
from tests.pictures import jpeg

pytestmark = pytest.mark.slow

STORED = range(100, 114)
BROKEN = jpeg_file("broken.jpg", b"no image at all")


@pytest.fixture(scope="module", autouse=True)
def stored(mesh: RunningMesh) -> Iterator[None]:
    with httpx.Client(base_url=mesh.url, timeout=30) as client:
        for seed in STORED:
            answer = client.post("/api/images", files={"file": jpeg(seed)})
            assert answer.status_code in {200, 201}
        yield


@pytest.fixture
async def page(visitor: Visitor) -> Page:
    page = await visitor.open("/search")
    await page.get_by_text("to find, by words and by picture").wait_for()
    return page


async def test_words_find_pictures_best_first_page_after_page(page: Page) -> None:
    await page.get_by_role("searchbox", name="Words").fill("a gold ring")
    await page.get_by_role("button", name="Search").click()
    await page.get_by_text("The nearest 12 of").wait_for()
    await page.get_by_role("button", name="Show more").click()
    await page.locator(".hit").nth(len(STORED) - 1).wait_for()
    scores = [float(text) for text in await page.locator(".score b").all_inner_texts()]
    assert len(scores) >= len(STORED)
    assert scores == sorted(scores, reverse=True)
    assert await page.evaluate("document.activeElement.closest('.hit') !== null")


async def test_a_dropped_picture_finds_itself(page: Page) -> None:
    await drop(page, "#query-drop", [jpeg_file("mine.jpg", jpeg(100))])
    first = page.locator(".hit").first
    await first.wait_for()
    assert float(await first.locator(".score b").inner_text()) > 0.99
    await first.locator("img").evaluate("(image) => image.decode()")
    key = await first.locator(".key").inner_text()
    await first.get_by_role("button", name="Find similar").click()
    await page.get_by_text(f"Nearest to {key}").wait_for()
    await page.get_by_text("The nearest 12 of").wait_for()


async def test_the_keyboard_alone_is_enough(page: Page) -> None:
    await tab_to(page, "#words")
    await page.keyboard.type("a watch")
    await page.keyboard.press("Enter")
    await page.locator(".hit").first.wait_for()
    await tab_to(page, ".hit .actions button")
    await page.keyboard.press("Enter")
    await page.get_by_text("Nearest to images/").wait_for()
    assert await page.evaluate("document.activeElement.id") == "hits-title"
    await tab_to(page, "#store")
    await choose(page, [jpeg_file("new.jpg", jpeg(120))])
    await page.get_by_text("1 stored, 0 there already, 0 failed.").wait_for()


async def test_pictures_are_stored_once(page: Page, visitor: Visitor) -> None:
    visitor.expects = {415, 422}
    files = [jpeg_file("new.jpg", jpeg(130)), jpeg_file("old.jpg", jpeg(101)), BROKEN]
    await page.get_by_label("Choose pictures to store").set_input_files(files)
    await page.get_by_text("1 stored, 1 there already, 1 failed.").wait_for()
    entries = page.locator("#stored > li")
    assert "Stored" in await entries.nth(0).inner_text()
    assert "Duplicate" in await entries.nth(1).inner_text()
    assert "(unsupported_media)" in await entries.nth(2).inner_text()


async def test_a_bad_picture_finds_nothing(page: Page, visitor: Visitor) -> None:
    visitor.expects = {415, 422}
    await drop(page, "#query-drop", [BROKEN])
    await page.get_by_text("(unsupported_media)").wait_for()
    assert await page.locator(".hit").count() == 0


async def test_a_picture_is_deleted_once_that_is_confirmed(page: Page) -> None:
    await page.get_by_label("Choose pictures to store").set_input_files(
        [jpeg_file("gone.jpg", jpeg(140))]
    )
    await page.get_by_text("1 stored").wait_for()
    await drop(page, "#query-drop", [jpeg_file("gone.jpg", jpeg(140))])
    hit = page.locator(".hit").first
    key = await hit.locator(".key").inner_text()
    await hit.get_by_role("button", name="Delete").click()
    await page.keyboard.press("Escape")
    assert await page.locator(f".hit [title='{key}']").count() == 1
    await hit.get_by_role("button", name="Delete").click()
    await page.get_by_role("button", name="Delete picture").click()
    await page.get_by_text("The picture is deleted.").wait_for()
    assert await page.locator(f".hit [title='{key}']").count() == 0


async def test_copies_in_the_bucket_are_found_as_duplicates(page: Page, data_dir: Path) -> None:
    shop = data_dir / "objects" / "shop"
    shop.mkdir()
    (shop / "copy.jpg").write_bytes(jpeg(102))
    (shop / "broken.jpg").write_bytes(b"no image at all")
    await page.get_by_role("button", name="Start synchronisation").click()
    await page.get_by_text("1 failed image").wait_for()
    await page.get_by_text("1 failed image").click()
    await page.locator("#sync-failed").get_by_text("shop/broken.jpg").wait_for()
    await page.get_by_label("How alike").select_option("bytes")
    await page.get_by_role("button", name="List duplicates").click()
    group = page.locator("#groups > li").filter(has_text="shop/copy.jpg")
    await group.wait_for()
    assert await group.locator("img").count() == 2
