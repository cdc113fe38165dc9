import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

PLAIN = """
import logging, structlog
from facetkit import request_context
from facetkit.logging import configure

configure("hats", "info")
request_context.bind("order-17")
log = structlog.get_logger("hats.shop")
log.info("sold\\nout", hats=3, size=object)
log.debug("not shown")
logging.getLogger("a.library").warning("hot: %d °C", 90)
logging.getLogger("httpx").info("not shown")
for logger in (log, logging.getLogger("a.library")):
    try:
        raise ValueError("no such hat")
    except ValueError:
        logger.exception("failed")
"""

FAILING_CALL = """
import asyncio
from facetkit import request_context
from facetkit.errors import FacetError
from facetkit.logging import configure
from facetkit.testing import serving
from tests.facetkit.fake_embedding import embed, raising

async def main():
    request_context.bind("order-17")
    async with serving(raising(ValueError("no such hat")).service) as client:
        try:
            await embed(client)
        except FacetError:
            pass

configure("hats")
asyncio.run(main())
"""


def lines_of(program: str) -> list[dict[str, Any]]:
    """What `program` logs, every line as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
        timeout=60,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def plain() -> list[dict[str, Any]]:
    """The lines of PLAIN."""
    return lines_of(PLAIN)


def test_one_object_a_line(plain: list[dict[str, Any]]) -> None:
    events = [(line["logger"], line["event"], line["level"]) for line in plain]
    assert events == [
        ("hats.shop", "sold\nout", "info"),
        ("a.library", "hot: 90 °C", "warning"),
        ("hats.shop", "failed", "error"),
        ("a.library", "failed", "error"),
    ]


def test_every_line_names_service_request_and_time(plain: list[dict[str, Any]]) -> None:
    assert {(line["service"], line["request_id"]) for line in plain} == {("hats", "order-17")}
    assert all(line["timestamp"].endswith("Z") for line in plain)


def test_values_are_kept(plain: list[dict[str, Any]]) -> None:
    assert (plain[0]["hats"], plain[0]["size"]) == (3, "<class 'object'>")


@pytest.mark.parametrize("index", [2, 3], ids=["structlog", "logging"])
def test_an_exception_is_in_its_line(plain: list[dict[str, Any]], index: int) -> None:
    assert plain[index]["exception"].startswith("Traceback")
    assert plain[index]["exception"].endswith("ValueError: no such hat")


def test_a_failing_call_leaves_its_traceback_and_its_id() -> None:
    lines = {line["event"]: line for line in lines_of(FAILING_CALL)}
    failed, access = lines["unexpected error"], lines["rpc"]
    assert "fake_embedding.py" in failed["exception"]
    assert failed["exception"].endswith("ValueError: no such hat")
    assert failed["request_id"] == access["request_id"] == "order-17"
    assert access["code"] == "internal"
    assert access["method"] == "/facet.vision.v1.EmbeddingService/EmbedTexts"
