"""A supervisor as a real process, and what the tests may ask of it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import psutil

import mesh

SOURCE = str(Path(mesh.__file__).parents[1])
GIVE_UP_S = 30.0


def wait_until(what: Callable[[], bool]) -> None:
    """Wait for something that must come; the limit only keeps a broken test from hanging."""
    give_up_at = time.monotonic() + GIVE_UP_S
    while not what():
        assert time.monotonic() < give_up_at, "it never came"
        time.sleep(0.02)


class RunningMesh:
    """A supervisor under test."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self.process = process
        self.lines: list[str] = []
        self._logs = folder / "logs"

    def line(self, pattern: str) -> str:
        """Read what the supervisor says up to the line that matches."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if re.search(pattern, line):
                return self.lines[-1]
        raise AssertionError(f"no line like {pattern!r} in {self.lines}")

    def rest(self) -> list[str]:
        """Read what the supervisor still says until it ends."""
        assert self.process.stdout is not None
        read = [line.rstrip("\n") for line in self.process.stdout]
        self.lines += read
        return read

    def log(self, name: str) -> str:
        """Return the log of a process."""
        path = self._logs / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def pid(self, name: str, start: int = 1, word: str = "pid") -> int:
        """Return the pid that the process wrote at its n-th start."""
        found: list[str] = []

        def written() -> bool:
            found[:] = re.findall(rf"^{word} (\d+)$", self.log(name), re.MULTILINE)
            return len(found) >= start

        wait_until(written)
        return int(found[start - 1])

    def children(self) -> list[int]:
        """Return the pids of all that runs below the supervisor now."""
        return [child.pid for child in psutil.Process(self.process.pid).children(recursive=True)]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        self.rest()
        return self.process.wait(GIVE_UP_S)


def gone(pid: int) -> bool:
    """Whether no such process runs (one that nobody has reaped yet does not)."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


class Running:
    """`with Running(folder, *argv)`: a supervisor in that folder, killed at the end."""

    def __init__(self, folder: Path, *argv: str, **env: str) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, *argv],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": SOURCE, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Under nohup it would be ignored here too, and that is another test.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        )

    def __enter__(self) -> RunningMesh:
        return RunningMesh(self._process, self._folder)

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


class Start(Protocol):
    """What the `start` fixture is."""

    def __call__(
        self, *processes: tuple[str, ...], ready_port: int = 0, **timings: float
    ) -> RunningMesh:
        """Start a supervisor over these processes."""
        ...
