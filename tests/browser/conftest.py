import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.browser.visitor import Visitor
from tests.gateway.running import Gateway, running_gateway, served
from tests.mesh.running_mesh import RunningMesh

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="package")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the mesh keeps its data."""
    return tmp_path_factory.mktemp("mesh")


@pytest.fixture(scope="package")
def mesh(data_dir: Path) -> Iterator[RunningMesh]:
    """One mesh for all pages; anybody may reset its cache."""
    running = RunningMesh(data_dir, DEBUG="true")
    try:
        yield running.wait_ready()
    finally:
        running.stop()


@pytest.fixture(scope="package")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "a browser is needed: apt-get install chromium"
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield running
        await running.close()


@pytest.fixture
async def visitor(browser: Browser, mesh: RunningMesh) -> AsyncIterator[Visitor]:
    """A visitor of the mesh."""
    visitor = Visitor(browser, mesh.url)
    yield visitor
    assert await visitor.leave() == []


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """A gateway over fake services, which do what a test wants."""
    async with running_gateway() as running:
        yield running


@pytest.fixture
async def gateway_visitor(browser: Browser, gateway: Gateway) -> AsyncIterator[Visitor]:
    """A visitor of the gateway over fake services."""
    async with served(gateway.app, gateway.streams) as port:
        visitor = Visitor(browser, f"http://127.0.0.1:{port}")
        yield visitor
        assert await visitor.leave() == []
