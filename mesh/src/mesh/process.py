"""What the supervisor must know of a process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from signal import SIGTERM, Signals

from mesh.ports import Listen
from mesh.probes import Probe


@dataclass(frozen=True)
class Process:
    """One process: how to start it, watch it and stop it."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    listens: tuple[Listen, ...] = ()
    probe: Probe | None = None
    stop_signal: Signals = SIGTERM
