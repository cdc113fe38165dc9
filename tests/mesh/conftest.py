from collections.abc import Iterator

import httpx
import pytest

from tests.mesh.origin import Origin
from tests.mesh.running_mesh import RunningMesh


@pytest.fixture(scope="session")
def origin() -> Iterator[Origin]:
    """A web server whose URLs the mesh may fetch although they are not public."""
    server = Origin()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Iterator[RunningMesh]:
    """One mesh for all tests that do not break it."""
    running = RunningMesh(
        tmp_path_factory.mktemp("mesh"), FETCH_ALLOW=origin.address, FETCH_TIMEOUT_S="2"
    )
    try:
        yield running.wait_ready()
    finally:
        running.stop()


@pytest.fixture
def http(mesh: RunningMesh) -> Iterator[httpx.Client]:
    """A client of the gateway."""
    with httpx.Client(base_url=mesh.url, timeout=30) as client:
        yield client
