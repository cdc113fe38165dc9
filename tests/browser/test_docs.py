"""The API pages in a real browser, with no internet."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.mesh.running_mesh import RunningMesh

pytestmark = pytest.mark.slow

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    running = RunningMesh(tmp_path_factory.mktemp("mesh"))
    try:
        yield running.wait_ready()
    finally:
        running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "a browser is needed: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, mesh: RunningMesh) -> Iterator[Page]:
    """The docs page; anything that it asks of another host, or complains of, fails the test."""
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    foreign: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: foreign.append(request.url))
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{mesh.url}/docs")
    page.get_by_text("/api/search", exact=True).first.wait_for()
    yield page
    here = (mesh.url, "data:", "blob:")
    assert [url for url in foreign if not url.startswith(here)] == []
    assert [text for text in complaints if text.startswith(("error", "warning"))] == []
    page.close()


def test_every_route_is_shown(page: Page) -> None:
    for route in ("/api/images", "/api/search", "/api/search/statistics", "/upload", "/healthz"):
        assert page.get_by_text(route, exact=True).count() >= 1


def test_a_search_can_be_sent_as_it_stands(page: Page) -> None:
    operation = page.locator("[id$=search_api_search_post]")
    operation.locator("button").first.click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table")
    answer.get_by_text("200", exact=True).first.wait_for()
    assert '"results"' in answer.inner_text()
