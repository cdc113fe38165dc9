"""What the pages' scripts compute by themselves, in the browser that runs them."""

from typing import Any

import numpy as np
import pytest
from playwright.async_api import Page

from tests.browser.visitor import Visitor
from tests.gateway.fake_segmentation import run_lengths

pytestmark = pytest.mark.slow

_READ = """async ([bytes, size]) => {
  const { readEvents } = await import("/static/event-reader.js");
  const body = new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) {
        controller.enqueue(Uint8Array.from(bytes.slice(at, at + size)));
      }
      controller.close();
    },
  });
  const events = [];
  for await (const { name, data } of readEvents(body)) events.push([name, data]);
  return events;
}"""
_DRAW = """async ([mask, width, height]) => {
  const { eachSpan } = await import("/static/run-lengths.js");
  const rows = Array.from({ length: height }, () => Array(width).fill(0));
  eachSpan(mask, { width, height }, (x, top, bottom) => {
    for (let y = top; y < bottom; y++) rows[y][x] += 1;
  });
  return rows;
}"""


@pytest.fixture
async def page(gateway_visitor: Visitor) -> Page:
    return await gateway_visitor.open("/analyze")


async def events(page: Page, text: str, size: int) -> Any:
    return await page.evaluate(_READ, [list(text.encode()), size])


async def drawn(page: Page, mask: Any, width: int, height: int) -> Any:
    message = {"size": mask.shape, "counts": run_lengths(mask)}
    return await page.evaluate(_DRAW, [message, width, height])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_events_are_read_wherever_they_are_cut(page: Page, end: str) -> None:
    lines = [
        ": a comment",
        "",
        "event: progress",
        "id: 7",
        'data: {"label": "é 🎉"}',
        "",
        "data",
        "data:one",
        "data:  two: three",
        "",
        "event: nothing",
        "",
        "event: cut",
        "data: off",
    ]
    for size in (1, 2, 3, 5, 1000):
        found = await events(page, "\ufeff" + end.join(lines), size)
        assert found == [["progress", '{"label": "é 🎉"}'], ["message", "\none\n two: three"]]


async def test_a_line_end_that_is_cut_is_one(page: Page) -> None:
    for size in range(1, 12):
        found = await events(page, "data: a\r\ndata: b\r\n\r\n", size)
        assert found == [["message", "a\nb"]]


async def test_masks_are_drawn_at_the_size_shown(page: Page) -> None:
    blocks = np.random.default_rng(5).random((10, 8)) < 0.4
    mask = np.kron(blocks, np.ones((3, 5), np.bool_)).astype(np.bool_)
    for width, height in ((40, 30), (13, 7), (95, 101), (1, 1)):
        rows = np.floor((np.arange(height) + 0.5) * 30 / height).astype(int)
        columns = np.floor((np.arange(width) + 0.5) * 40 / width).astype(int)
        expected = mask[rows][:, columns].astype(int).tolist()
        assert await drawn(page, mask, width, height) == expected


async def test_masks_may_be_empty_or_full(page: Page) -> None:
    for value in (False, True):
        mask = np.full((4, 6), value)
        assert await drawn(page, mask, 3, 2) == [[int(value)] * 3] * 2
