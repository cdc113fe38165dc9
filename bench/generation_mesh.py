"""The whole mesh with the demo models on one core, asked for pictures and for masks."""

import base64
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench import photographs
from bench.load import TIMEOUT_S
from bench.mesh_processes import Mesh

GENERATE, ANALYZE = "/generate", "/analyze"


@dataclass(frozen=True, slots=True)
class RouteCost:
    """What an answer cost in seconds: of time, and of CPU of vision-models and of the mesh."""

    wall_s: float
    vision_cpu_s: float
    mesh_cpu_s: float


class OneCoreMesh(Mesh):
    """All processes on one core; the bench itself may use the others."""

    def __init__(self, data_dir: Path) -> None:
        with _on_one_core():
            super().__init__(data_dir, {"FACET_MODELS": "demo", "REDIS_HOST": "none"})

    def measure(self, calls: int) -> dict[str, list[RouteCost]]:
        """So many calls of each route in turn, by route, after one that is not counted."""
        rounds = [self._round(seed) for seed in range(1 + calls)]
        return {route: [costs[route] for costs in rounds[1:]] for route in (GENERATE, ANALYZE)}

    def _round(self, seed: int) -> dict[str, RouteCost]:
        # All else as the route has it: 30 steps, 512 × 512; 8 × 8 points.
        drawing = {"prompt": "A futuristic cityscape at sunset", "labels": "city, sunset"}
        image = base64.b64encode(photographs.jpeg(seed)).decode()
        return {
            GENERATE: self._ask(GENERATE, drawing | {"seed": seed}),
            ANALYZE: self._ask(ANALYZE, {"image": image}),
        }

    def _ask(self, route: str, body: dict[str, Any]) -> RouteCost:
        vision, mesh, started = self._vision_cpu_s(), self.cpu_s(), time.perf_counter()
        httpx.post(self.url + route, json=body, timeout=TIMEOUT_S).raise_for_status()
        wall_s = time.perf_counter() - started
        return RouteCost(wall_s, self._vision_cpu_s() - vision, self.cpu_s() - mesh)

    def _vision_cpu_s(self) -> float:
        found = [each for each in self.processes() if "vision_models" in _command(each)]
        return sum(sum(each.cpu_times()[:2]) for each in found)


def _command(process: psutil.Process) -> Sequence[str]:
    command: list[str] = process.cmdline()
    return command


@contextmanager
def _on_one_core() -> Iterator[None]:
    """Processes that are started meanwhile stay on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
