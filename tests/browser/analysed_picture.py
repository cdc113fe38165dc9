"""A picture on the page that analyses, over a segmenter that finds two parts of it."""

from playwright.async_api import Page

from tests.browser.gestures import drop, jpeg_file
from tests.browser.visitor import Visitor
from tests.gateway.running import Gateway
from tests.pictures import jpeg

WIDTH, HEIGHT = 320, 240
PICTURE = jpeg_file("picture.jpg", jpeg(1, WIDTH, HEIGHT))
SMALL, LARGE, NONE = (80, 80), (150, 200), (300, 100)
_ALPHA = """([canvas, x, y]) => {
  // Chromium complains of a canvas of the page that is read again and again.
  const copy = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, -Math.floor(x * canvas.width), -Math.floor(y * canvas.height));
  return copy.getImageData(0, 0, 1, 1).data[3];
}"""


async def opened(gateway: Gateway, visitor: Visitor) -> Page:
    """The page with the picture chosen; what is found there is a ring."""
    gateway.segmentation.parts = [(40, 40, 120, 120), (0, 0, 160, 240)]
    gateway.embedding.scores = {"ring": 0.9}
    page = await visitor.open("/analyze")
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
