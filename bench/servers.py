"""A server's processes for a benchmark: started, awaited, metered, held and stopped."""

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

READY_S = 300
STOP_S = 30


class Server:
    """A command whose processes serve HTTP at `url`; what it writes goes to the file `log`."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        url: str,
        ready: str,
        log: Path,
    ) -> None:
        self.url = url
        self._ready_url = url + ready
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, env=dict(environment), stdout=output, stderr=subprocess.STDOUT
            )

    def wait_ready(self) -> None:
        """Returns once the server says that it is ready. Raises RuntimeError when it does not."""
        ends_at = time.monotonic() + READY_S
        while self._process.poll() is None and time.monotonic() < ends_at:
            try:
                with urllib.request.urlopen(self._ready_url, timeout=5):
                    return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError(f"a server is not ready; see {self._log}")

    def processes(self) -> list[psutil.Process]:
        """The process started and all below it."""
        parent = psutil.Process(self._process.pid)
        return [parent, *parent.children(recursive=True)]

    def cpu_s(self) -> float:
        """User and system seconds of all processes so far."""
        times = [process.cpu_times() for process in self.processes()]
        return sum(each.user + each.system for each in times)

    def hold(self) -> None:
        """Stops all processes from running, so that what they do when idle disturbs nobody."""
        for process in self.processes():
            process.suspend()

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Lets a held server run for a while."""
        for process in self.processes():
            process.resume()
        yield
        self.hold()

    def stop(self) -> None:
        """Stops everything."""
        if self._process.poll() is None:
            processes = self.processes()
            for process in processes:
                process.resume()
            self._process.terminate()
            _, alive = psutil.wait_procs(processes, STOP_S)
            for process in alive:
                process.kill()
        self._process.wait()
