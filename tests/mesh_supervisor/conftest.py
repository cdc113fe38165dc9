"""Starts supervisors over fake services."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import ports
from tests.mesh_supervisor.running import Running, RunningMesh, Start

RUNNER = str(Path(__file__).with_name("run_supervisor.py"))
FAST = {
    "backoff_first_s": 0.05,
    "probe_every_s": 0.1,
    "probe_timeout_s": 0.5,
    "stop_grace_s": 5.0,
}


@pytest.fixture
def free_port() -> int:
    """Return a port that nobody listens on."""
    return ports.free_port()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a supervisor over fake services: `start(("name", "kind", "argument", ...), ...)`."""
    with ExitStack() as started:

        def start_one(
            *processes: tuple[str, ...], ready_port: int = 0, **timings: float
        ) -> RunningMesh:
            plan = tmp_path / "plan.json"
            numbers = {**FAST, **timings}
            plan.write_text(
                json.dumps({"processes": processes, "ready_port": ready_port, "timings": numbers})
            )
            return started.enter_context(Running(tmp_path, RUNNER, str(plan)))

        yield start_one
