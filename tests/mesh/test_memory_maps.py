"""What the processes of the mesh have loaded."""

from pathlib import Path

import pytest

from tests.mesh.running_mesh import RunningMesh


def has_torch(mesh: RunningMesh, module: str) -> bool:
    """Whether the process that runs `module` has loaded torch's library."""
    return "libtorch" in Path(f"/proc/{mesh.pid_of(module)}/maps").read_text()


@pytest.mark.parametrize("module", ["gateway", "search"])
def test_torch_is_loaded_by_vision_models_alone(mesh: RunningMesh, module: str) -> None:
    assert has_torch(mesh, "vision_models")
    assert not has_torch(mesh, module)
