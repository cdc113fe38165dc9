"""What the pages say of a picture that cannot be sent."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.browser.gestures import drop, jpeg_file
from tests.browser.visitor import Visitor
from tests.pictures import jpeg

pytestmark = pytest.mark.slow

MAX_BYTES = 24 * 2**20
UNKNOWN = "is not a JPEG, PNG or WebP picture."


@dataclass(frozen=True)
class Chooser:
    """Where a page at `path` takes the picture `name`, and the button that sends it."""

    path: str
    field: str
    name: str
    button: str


GENERATE = Chooser("/generate", "start-image", "The start image", "Generate")
ANALYZE = Chooser("/analyze", "image", "The picture", "Analyse")


@pytest.fixture(params=[GENERATE, ANALYZE], ids=lambda chooser: chooser.button)
def chooser(request: pytest.FixtureRequest) -> Chooser:
    chosen: Chooser = request.param
    return chosen


@pytest.fixture
def sent() -> list[str]:
    """Where the page has posted to."""
    return []


@pytest.fixture
async def page(chooser: Chooser, gateway_visitor: Visitor, sent: list[str]) -> Page:
    page = await gateway_visitor.open(chooser.path)
    page.on("request", lambda it: sent.append(it.url) if it.method == "POST" else None)
    if chooser is GENERATE:
        await page.get_by_label("Prompt", exact=True).fill("a ring")
    return page


async def refused(page: Page, chooser: Chooser, reason: str) -> None:
    await page.get_by_role("button", name=chooser.button).click()
    await page.get_by_text(f"{chooser.name} {reason}", exact=True).wait_for()
    await page.get_by_text("see the marked fields").wait_for()
    assert await page.locator("[aria-invalid]").get_attribute("id") == chooser.field


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty."),
        (b"no image at all", UNKNOWN),
        (b"\xff\xd8", UNKNOWN),
        (b"RIFF\0\0\0\0WAVEfmt ", UNKNOWN),
    ],
)
async def test_what_is_no_picture_is_not_sent(
    page: Page, chooser: Chooser, sent: list[str], content: bytes, reason: str
) -> None:
    await drop(page, f"#{chooser.field}-drop", [jpeg_file("broken.jpg", content)])
    await refused(page, chooser, reason)
    assert sent == []


async def test_what_is_too_large_is_not_sent(
    page: Page, chooser: Chooser, sent: list[str], tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    # The first is only no picture.
    for size, reason in ((MAX_BYTES, UNKNOWN), (MAX_BYTES + 1, "is larger than 24 MiB.")):
        large.write_bytes(bytes(size))
        await page.locator(f"#{chooser.field}").set_input_files(large)
        await refused(page, chooser, reason)
    assert sent == []


@pytest.mark.parametrize("begun", [jpeg(1), b"\x89PNG\r\n\x1a\n", b"RIFF\n\r\0\xffWEBPVP8 "])
async def test_what_begins_as_a_picture_is_sent(
    page: Page, chooser: Chooser, sent: list[str], gateway_visitor: Visitor, begun: bytes
) -> None:
    gateway_visitor.expects = {415, 422}
    await drop(page, f"#{chooser.field}-drop", [jpeg_file("begun.jpg", begun)])
    async with page.expect_response(lambda response: response.request.method == "POST"):
        await page.get_by_role("button", name=chooser.button).click()
    assert f"{chooser.path}?" in sent[0]
