"""Runs all processes of the mesh together, and stops them together."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path

from mesh.child import Child, Say
from mesh.errors import CrashLoop
from mesh.liveness import Liveness
from mesh.process import Process
from mesh.timings import Timings

Announce = Callable[[], Awaitable[None]]


class Supervisor:
    """Runs `processes`, each listed after those that it calls, until a signal or a crash loop."""

    def __init__(
        self,
        processes: Sequence[Process],
        logs: Path,
        say: Say,
        announce: Announce,
        timings: Timings | None = None,
    ) -> None:
        self._timings = timings or Timings()
        self._children = [Child(process, logs, self._timings, say) for process in processes]
        self._say = say
        self._announce = announce
        self._ending = asyncio.Event()
        self._failure: BaseException | None = None

    async def run(self) -> int:
        """Run until the end and return the exit code; nothing that was started outlives this."""
        self._take_signals()
        runs = [self._task(child.run()) for child in self._children]
        watches = [self._task(Liveness(child, self._timings).watch()) for child in self._children]
        try:
            await self._until_the_end(self._task(self._start_and_announce()))
            # A process that is stopping need not answer.
            for watch in watches:
                watch.cancel()
            await self._shut_down(runs)
        finally:
            for watch in watches:
                watch.cancel()
            self._kill_all()
            await asyncio.gather(*runs, *watches, return_exceptions=True)
        if self._failure is not None and not isinstance(self._failure, CrashLoop):
            raise self._failure
        return 0 if self._failure is None else 1

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # `nohup` stays possible: who ignores the hang-up keeps ignoring it.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if self._ending.is_set():
            self._kill_all()
        self._ending.set()

    def _task(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._on_done)
        return task

    def _on_done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (failure := task.exception()):
            self._failure = self._failure or failure
            self._ending.set()

    async def _start_and_announce(self) -> None:
        names = ", ".join(child.process.name for child in self._children)
        self._say(f"starting {names}")
        await self._announce()

    async def _until_the_end(self, announcing: asyncio.Task[None]) -> None:
        await self._ending.wait()
        announcing.cancel()
        if isinstance(self._failure, CrashLoop):
            for line in (f"{self._failure}; its log ends with:", *self._failure.log_tail):
                self._say(line)
        self._say("stopping the mesh")

    async def _shut_down(self, runs: list[asyncio.Task[None]]) -> None:
        for child in self._children:
            child.retire()
        deadline = time.monotonic() + self._timings.stop_grace_s
        for left in range(len(runs), 0, -1):
            child, run = self._children[left - 1], runs[left - 1]
            child.stop()
            # Each gets its share, so that one that hangs leaves the others time to drain.
            await asyncio.wait([run], timeout=max(0.0, deadline - time.monotonic()) / left)
        await asyncio.wait(runs, timeout=max(0.0, deadline - time.monotonic()))
        for child in self._children:
            if child.running:
                self._say(f"{child.process.name} did not stop in time; killed")

    def _kill_all(self) -> None:
        for child in self._children:
            child.stop(signal.SIGKILL)
