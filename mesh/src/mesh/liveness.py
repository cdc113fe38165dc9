"""Finds the process that runs but does not answer."""

import asyncio
import time

from mesh.child import Child
from mesh.probes import Probe
from mesh.timings import Timings


class Liveness:
    """Probes one child and restarts it when it hangs."""

    def __init__(self, child: Child, timings: Timings) -> None:
        self._child = child
        self._timings = timings
        self._start_seen = 0.0
        self._was_live = False
        self._failures = 0

    async def watch(self) -> None:
        """Probe for ever; also the beat on which the log is kept bounded."""
        probe = self._child.process.probe
        while True:
            await asyncio.sleep(self._timings.probe_every_s)
            self._child.log.keep_bounded()
            if probe is not None and self._child.running:
                await self._ask(probe)

    async def _ask(self, probe: Probe) -> None:
        started_at = self._child.started_at
        if started_at != self._start_seen:
            self._start_seen, self._was_live, self._failures = started_at, False, 0
        alive = await probe.alive(self._timings.probe_timeout_s)
        if self._child.started_at != started_at or not self._child.running:
            return  # the answer is about a process that is gone
        if alive:
            self._was_live, self._failures = True, 0
        elif self._counts(started_at):
            self._failures += 1
        if self._failures >= self._timings.probe_failures:
            self._failures = 0
            self._child.restart_hung()

    def _counts(self, started_at: float) -> bool:
        return self._was_live or time.monotonic() - started_at > self._timings.startup_grace_s
