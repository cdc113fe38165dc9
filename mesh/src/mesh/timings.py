"""How often, how long and how many times: the supervisor's numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timings:
    """The numbers of supervision; tests use smaller ones."""

    backoff_first_s: float = 0.2
    backoff_max_s: float = 5.0
    steady_after_s: float = 60.0
    crash_window_s: float = 60.0
    crashes_to_stop: int = 3
    probe_every_s: float = 2.0
    probe_timeout_s: float = 3.0
    probe_failures: int = 3
    startup_grace_s: float = 120.0
    stop_grace_s: float = 15.0
