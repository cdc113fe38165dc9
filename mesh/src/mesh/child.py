"""One supervised process: started, restarted after a crash, stopped with all that it started."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, Signals

from mesh.errors import CannotStart, CrashLoop
from mesh.log_file import LogFile
from mesh.process import Process
from mesh.restarts import Restarts
from mesh.timings import Timings

Say = Callable[[str], None]
LAUNCHER = str(Path(__file__).with_name("launch.py"))
TAIL_LINES = 20
EXIT_WRONG_SETTINGS = 78
"""With which a service says that its settings are wrong: starting it again is no help."""


class Child:
    """Keeps one process running until it is told to stop."""

    def __init__(self, process: Process, logs: Path, timings: Timings, say: Say) -> None:
        self.process = process
        self.log = LogFile(logs / f"{process.name}.log")
        self.started_at = 0.0
        self._timings = timings
        self._restarts = Restarts(timings)
        self._say = say
        self._running: asyncio.subprocess.Process | None = None
        self._retired = asyncio.Event()
        self._stop_signal: Signals | None = None
        self._hung = False

    @property
    def running(self) -> bool:
        """Whether the process is there now."""
        return self._running is not None

    async def run(self) -> None:
        """Keep the process running; CrashLoop when that is no use."""
        self.log.start()
        while not self._retired.is_set():
            status = await self._run_once()
            if not self._retired.is_set():
                await self._pause_after(status)

    def retire(self) -> None:
        """Start the process no more."""
        self._retired.set()

    def stop(self, signal: Signals | None = None) -> None:
        """Ask the process to stop by `signal`, otherwise by its own stop signal."""
        self.retire()
        self._stop_signal = signal or self.process.stop_signal
        self._send(self._stop_signal)

    def restart_hung(self) -> None:
        """Kill the process because it does not answer; `run` starts it again."""
        self._hung = True
        self._say(f"{self.process.name} does not answer; restarting")
        self._send(SIGKILL)

    async def _run_once(self) -> int:
        self._hung = False
        self.started_at = time.monotonic()
        running = self._running = await self._start()
        if self._stop_signal is not None:  # told to stop while it was being started
            self._send(self._stop_signal)
        try:
            return await running.wait()
        finally:
            self._send(SIGKILL)  # whatever it started and left behind
            self._running = None

    async def _start(self) -> asyncio.subprocess.Process:
        output = self.log.open()
        try:
            return await asyncio.create_subprocess_exec(
                # `-I -S`: the launcher needs nothing but the standard library, and starts fast.
                *(sys.executable, "-I", "-S", LAUNCHER, str(os.getpid()), *self.process.argv),
                env=dict(self.process.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        finally:
            os.close(output)

    def _send(self, signal: Signals) -> None:
        if self._running is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            if signal is SIGKILL:
                os.killpg(self._running.pid, signal)
            else:
                self._running.send_signal(signal)

    async def _pause_after(self, status: int) -> None:
        name = self.process.name
        if status == EXIT_WRONG_SETTINGS:
            raise CannotStart(f"{name}: {' '.join(self.log.tail(1))}")
        ended = f"signal {-status}" if status < 0 else f"exit code {status}"
        delay_s = self._restarts.delay_after_crash(self.started_at, time.monotonic())
        if delay_s is None:
            often = f"{self._timings.crashes_to_stop} times in {self._timings.crash_window_s:g} s"
            raise CrashLoop(f"{name} stopped {often} ({ended})", self.log.tail(TAIL_LINES))
        if not self._hung:
            self._say(f"{name} stopped ({ended}); restarting in {delay_s:g} s")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._retired.wait(), delay_s)
