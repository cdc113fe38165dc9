"""The mesh as a user starts it, on free ports."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import psutil

from tests.ports import free_mesh_ports

ROOT = Path(__file__).parents[2]


class RunningMesh:
    """`python -m mesh` (or another program that ends in it) with its printed lines."""

    def __init__(
        self, data_dir: Path, *program: str, ports: dict[str, str] | None = None, **variables: str
    ) -> None:
        self.ports = ports or free_mesh_ports()
        self.url = f"http://localhost:{self.ports['PORT']}"
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable, *(program or ("-m", "mesh"))],
            cwd=ROOT,
            env=_environment() | self.ports | _own(data_dir) | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_line(self, pattern: str, *, timeout_s: float = 120) -> str:
        """The first line that matches, waited for."""
        with self._changed:
            found = self._changed.wait_for(lambda: self._find(pattern), timeout_s)
        if found is None:
            raise AssertionError(f"no line like {pattern!r} in:\n" + "\n".join(self.lines))
        return found

    def wait_ready(self) -> "RunningMesh":
        """Returns when the mesh has said that it is ready."""
        self.wait_line("Ctrl-C stops everything")
        return self

    def pid_of(self, module: str) -> int:
        """The process that runs `module` now."""
        return self.process_of(module).pid

    def process_of(self, module: str) -> psutil.Process:
        """The process that runs `module` now."""
        for child in psutil.Process(self._process.pid).children(recursive=True):
            if module in child.cmdline():
                return child
        raise AssertionError(f"no process runs {module}")

    def kill(self, module: str) -> None:
        """kill -9 of the process that runs `module`."""
        os.kill(self.pid_of(module), signal.SIGKILL)

    def metrics(self, service: str) -> dict[str, float]:
        """The Prometheus samples of `vision` or `search`."""
        port = self.ports[f"{service.upper()}_METRICS_PORT"]
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self._process.terminate()
        return self.wait_end()

    def wait_end(self) -> int:
        """Returns the exit code when the mesh has ended."""
        code = self._process.wait(60)
        self._reader.join(10)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code

    def _find(self, pattern: str) -> str | None:
        return next((line for line in self.lines if re.search(pattern, line)), None)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()


def _environment() -> dict[str, str]:
    # What the developer exported must not change what is tested.
    return {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ
    }


def _own(data_dir: Path) -> dict[str, str]:
    # A Redis that happens to run on the machine is not the mesh's.
    return {"FACET_DATA_DIR": str(data_dir), "REDIS_HOST": "none"}
