from collections.abc import Iterator

import httpx
import pytest

from tests.mesh.running_mesh import RunningMesh


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """One mesh for all tests that do not break it."""
    running = RunningMesh(tmp_path_factory.mktemp("mesh"))
    try:
        yield running.wait_ready()
    finally:
        running.stop()


@pytest.fixture
def http(mesh: RunningMesh) -> Iterator[httpx.Client]:
    """A client of the gateway."""
    with httpx.Client(base_url=mesh.url, timeout=30) as client:
        yield client
