"""Markdown for the README: the machine, tables, and values against their bounds."""

import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import torch

_TOLD_FEATURES = ("avx2", "avx512_f", "avx512_bf16", "amx_bf16", "bf16")


@dataclass(frozen=True, slots=True)
class Bound:
    """A value that is to be at most, or `at_least`, its limit; shown with so many `digits`."""

    what: str
    value: float
    limit: float
    at_least: bool = False
    digits: int = 2

    @property
    def cells(self) -> tuple[str, ...]:
        """What, value, bound, met or short."""
        met = self.value >= self.limit if self.at_least else self.value <= self.limit
        limit = f"{'≥' if self.at_least else '≤'} {self.limit:g}"
        return (self.what, f"{self.value:.{self.digits}f}", limit, "met" if met else "**short**")


def heading(command: str) -> str:
    """Command and day, then the machine in a sentence."""
    able = torch.cpu.get_capabilities()
    features = ", ".join(name.replace("_", "-") for name in _TOLD_FEATURES if able.get(name))
    processor = f"{able.get('cpu_name') or platform.machine()} ({features or 'no extensions'})"
    cores = f"{len(os.sched_getaffinity(0))} cores"
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    return f"## `{command}`, {datetime.now(UTC).date()}\n\n{processor}, {cores}, {versions}."


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def median_ratio(values: Iterable[float], over: Iterable[float]) -> float:
    """The median of the rounds' ratios: both sides of one saw the machine in one state."""
    return statistics.median(value / base for value, base in zip(values, over, strict=True))
