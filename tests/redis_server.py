"""A real Redis server as a process of its own, from the system's package."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from tests.ports import free_port


class RedisServer:
    """Redis on loopback that keeps nothing on the disk; it can be killed, frozen and restarted."""

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        self._options = options
        self._folder = Path(tempfile.mkdtemp(prefix="facet-redis-"))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the server, empty, and returns when it answers."""
        self._process = subprocess.Popen(
            [
                *(_program(), "--port", str(self.port), "--bind", "127.0.0.1"),
                *("--save", "", "--appendonly", "no", "--dir", str(self._folder)),
                *self._options,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while self._process.poll() is None:
            try:
                self.command("INFO")
                return
            except RedisError:
                time.sleep(0.02)
        raise RuntimeError("redis-server did not start")

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Asks it to end."""
        self._end(signal.SIGTERM)

    def remove(self) -> None:
        """Ends the server and removes its folder."""
        self.kill()
        shutil.rmtree(self._folder)

    def freeze(self) -> None:
        """The kernel goes on accepting connections, but nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """What arrived meanwhile is answered."""
        self._signal(signal.SIGCONT)

    def command(self, *words: str | bytes | int, db: int = 0) -> Any:
        """The answer to one command, sent over a connection of its own."""
        with Redis(port=self.port, db=db, protocol=2) as client:
            return client.execute_command(*words)

    def calls(self, command: str) -> int:
        """How often a command was executed since the start, or since CONFIG RESETSTAT."""
        statistics = self.command("INFO", "commandstats")
        return int(statistics.get(f"cmdstat_{command}", {}).get("calls", 0))

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            os.kill(self._process.pid, number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            # A frozen process would not notice.
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(30)
            self._process = None


async def until(condition: Callable[[], bool]) -> None:
    """Returns once the condition holds, which it must within a minute."""
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the condition never held")


def _program() -> str:
    found = shutil.which("redis-server")
    if found is None:
        raise RuntimeError("no redis-server: install the package redis-server")
    return found
