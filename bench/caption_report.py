"""The tables of `make bench-captions`."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.load import Cost
from bench.report import Bound, heading, median_ratio, table


@dataclass(frozen=True, slots=True)
class Hits:
    """A round of hits: costs of mesh and echo, Redis' own CPU per call, and what was computed."""

    mesh: Cost
    echo: Cost
    redis_cpu_ms: float
    batches: int
    lookups: int


@dataclass(frozen=True, slots=True)
class Results:
    """What was measured: per round a Cost by side, and the hits."""

    dtype: str
    images: int
    calls: int
    whole: Sequence[dict[str, Cost]]
    hits: Sequence[Hits]


def markdown(results: Results) -> str:
    """The section for the README."""
    what = (
        f"{results.images} distinct JPEGs of 1632 × 1224 a round, 16 in flight; BLIP-base of full "
        f"size with random weights, {results.dtype}, 20 tokens a caption. Then {results.calls} "
        f"hits a round, one in flight. {len(results.whole)} interleaved rounds, medians of the "
        "rounds and of their ratios."
    )
    whole = table(("side", "CPU ms per image", "images per s"), _whole_rows(results))
    hits = table(("a hit", "CPU ms per call", "ms"), _hit_rows(results))
    bounds = table(("what", "value", "bound", ""), (bound.cells for bound in _bounds(results)))
    return "\n\n".join((heading("make bench-captions"), what, whole, hits, bounds))


def _whole_rows(results: Results) -> Iterator[tuple[str, ...]]:
    names = {"raw": "raw batched generate", "mesh": "mesh, gateway → vision-models"}
    for key, name in names.items():
        cpu_ms = statistics.median(costs[key].cpu_ms for costs in results.whole)
        per_s = statistics.median(1000 / costs[key].wall_ms for costs in results.whole)
        yield (name, f"{cpu_ms:.0f}", f"{per_s:.3f}")


def _hit_rows(results: Results) -> Iterator[tuple[str, ...]]:
    sides = {
        "gateway → echo": [hits.echo for hits in results.hits],
        "gateway → vision-models": [hits.mesh for hits in results.hits],
    }
    for name, costs in sides.items():
        cpu_ms = statistics.median(cost.cpu_ms for cost in costs)
        yield (name, f"{cpu_ms:.2f}", f"{statistics.median(cost.wall_ms for cost in costs):.2f}")
    redis_ms = statistics.median(hits.redis_cpu_ms for hits in results.hits)
    yield ("Redis' own, counted apart", f"{redis_ms:.2f}", "–")


def _bounds(results: Results) -> Iterator[Bound]:
    speed = median_ratio(
        (costs["raw"].wall_ms for costs in results.whole),
        (costs["mesh"].wall_ms for costs in results.whole),
    )
    yield Bound("mesh ÷ raw, images per s", speed, 0.9, at_least=True)
    cpu = median_ratio(
        (hits.mesh.cpu_ms for hits in results.hits), (hits.echo.cpu_ms for hits in results.hits)
    )
    yield Bound("a hit ÷ an echo, CPU", cpu, 1.3)
    batches = sum(hits.batches for hits in results.hits)
    yield Bound("batches computed during hits", batches, 0, digits=0)
    lookups = sum(hits.lookups for hits in results.hits) / len(results.hits) / results.calls
    yield Bound("answers from Redis per hit", lookups, 1, at_least=True)
