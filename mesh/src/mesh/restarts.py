"""When a crashed process is started again, and when no more."""

from collections import deque

from mesh.timings import Timings


class Restarts:
    """The crashes of one process. Times are seconds of a monotonic clock."""

    def __init__(self, timings: Timings) -> None:
        self._timings = timings
        self._delay_s = timings.backoff_first_s
        self._crashes: deque[float] = deque()

    def delay_after_crash(self, started_at: float, now: float) -> float | None:
        """Return how long to wait before the next start; None when the process is hopeless."""
        self._crashes.append(now)
        while now - self._crashes[0] > self._timings.crash_window_s:
            self._crashes.popleft()
        if len(self._crashes) >= self._timings.crashes_to_stop:
            return None
        if now - started_at >= self._timings.steady_after_s:
            self._delay_s = self._timings.backoff_first_s
        delay_s = self._delay_s
        self._delay_s = min(delay_s * 2, self._timings.backoff_max_s)
        return delay_s
