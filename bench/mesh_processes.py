"""The mesh's processes on free ports, for a benchmark: started, awaited, metered, stopped."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from tests.ports import free_mesh_ports


class Mesh:
    """`python -m mesh` on free ports, with `variables` over the environment."""

    def __init__(self, data_dir: Path, variables: dict[str, str]) -> None:
        ports = free_mesh_ports()
        self.url = f"http://127.0.0.1:{ports['PORT']}"
        environment = os.environ | ports | {"FACET_DATA_DIR": str(data_dir)} | variables
        self._supervisor = subprocess.Popen(
            [sys.executable, "-m", "mesh"], env=environment, stdout=subprocess.DEVNULL
        )

    def wait_ready(self) -> None:
        """Returns when the gateway says that the mesh is ready."""
        while self._supervisor.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise RuntimeError("the mesh stopped before it was ready")

    def processes(self) -> list[psutil.Process]:
        """The supervisor and all its children."""
        supervisor = psutil.Process(self._supervisor.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def cpu_s(self) -> float:
        """User and system seconds of all processes so far."""
        times = [process.cpu_times() for process in self.processes()]
        return sum(each.user + each.system for each in times)

    def stop(self) -> None:
        """Stops everything."""
        self._supervisor.terminate()
        self._supervisor.wait(30)
