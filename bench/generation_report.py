"""The tables of `make bench-generation`."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.generation_mesh import ANALYZE, GENERATE, RouteCost
from bench.generation_rounds import FEW_STEPS, MANY_STEPS, Round, Wait
from bench.load import Cost
from bench.report import Bound, heading, median_ratio, table
from bench.sam_prompts import FURTHER, Prompted


@dataclass(frozen=True, slots=True)
class Results:
    """What was measured: pictures, waiting requests, prompts by image, and calls by route."""

    dtype: str
    rounds: Sequence[Round]
    waits: Sequence[Wait]
    prompts: Sequence[Prompted]
    routes: Mapping[str, Sequence[RouteCost]]


def markdown(results: Results) -> str:
    """The section for the README."""
    what = (
        f"A random Stable Diffusion of middle size, 256 × 256, {results.dtype}, one thread; a "
        f"step is a {MANY_STEPS - FEW_STEPS}th of what {MANY_STEPS} of them cost more than "
        f"{FEW_STEPS}. {len(results.rounds)} interleaved rounds, medians of the rounds and of "
        f"their ratios. SAM ViT-B of full size, {len(results.prompts)} JPEGs of 1632 × 1224, "
        f"1 + {FURTHER} prompts each. The mesh on one core, demo models, defaults."
    )
    rows = (*_step_rows(results), *_prompt_rows(results))
    costs = table(("what", "CPU ms", "ms"), rows)
    head = ("route, whole mesh on one core", "s", "CPU s, vision-models", "CPU s, all")
    routes = table(head, _route_rows(results))
    bounds = table(("what", "value", "bound", ""), (bound.cells for bound in _bounds(results)))
    parts = (heading("make bench-generation"), what, costs, _together(results), routes, bounds)
    return "\n\n".join(parts)


def _step_rows(results: Results) -> Iterator[tuple[str, ...]]:
    yield _row("a step, bare diffusers", [each.raw for each in results.rounds])
    yield _row("a step, GenerateImages with previews", [each.served for each in results.rounds])
    for name, times_ms in (
        ("one waiting request, first step to answer", [each.one_ms for each in results.waits]),
        ("two of one shape, in one batch", [each.two_ms for each in results.waits]),
    ):
        yield (name, "–", f"{statistics.median(times_ms):.0f}")


def _together(results: Results) -> str:
    ratio = median_ratio((w.two_ms for w in results.waits), (w.one_ms for w in results.waits))
    return f"Two requests that waited together took {ratio:.2f} times as long as one."


def _prompt_rows(results: Results) -> Iterator[tuple[str, ...]]:
    further = [cost for each in results.prompts for cost in each.further]
    yield _row("first prompt for an image", [each.first for each in results.prompts])
    yield _row("further prompt for it", further)


def _row(name: str, costs: Sequence[Cost]) -> tuple[str, ...]:
    cpu_ms = statistics.median(cost.cpu_ms for cost in costs)
    return (name, f"{cpu_ms:.0f}", f"{statistics.median(cost.wall_ms for cost in costs):.0f}")


def _route_rows(results: Results) -> Iterator[tuple[str, ...]]:
    for route, costs in results.routes.items():
        wall_s = statistics.median(cost.wall_s for cost in costs)
        mesh_cpu_s = statistics.median(cost.mesh_cpu_s for cost in costs)
        yield (f"`{route}`", f"{wall_s:.2f}", f"{_vision_cpu_s(costs):.2f}", f"{mesh_cpu_s:.2f}")


def _bounds(results: Results) -> Iterator[Bound]:
    raw, served = [r.raw for r in results.rounds], [r.served for r in results.rounds]
    cpu = median_ratio((cost.cpu_ms for cost in served), (cost.cpu_ms for cost in raw))
    yield Bound("a step: served ÷ bare, CPU", cpu, 1.03, digits=3)
    wall = median_ratio((cost.wall_ms for cost in served), (cost.wall_ms for cost in raw))
    yield Bound("a step: served ÷ bare, time", wall, 1.03, digits=3)
    drawn: list[Round | Wait] = [*results.rounds, *results.waits]
    unlike = max(each.largest_difference for each in drawn)
    yield Bound("pictures: largest difference of a sample, of 255", unlike, 1, digits=0)
    yield from _prompt_bounds(results.prompts)
    for route, limit in ((ANALYZE, 10), (GENERATE, 6)):
        cpu_s = _vision_cpu_s(results.routes[route])
        yield Bound(f"`{route}` on one core, CPU s of vision-models", cpu_s, limit)


def _prompt_bounds(prompts: Sequence[Prompted]) -> Iterator[Bound]:
    pairs = [(each.first, cost) for each in prompts for cost in each.further]
    cpu = median_ratio((cost.cpu_ms for _, cost in pairs), (first.cpu_ms for first, _ in pairs))
    yield Bound("further prompt ÷ first, CPU", cpu, 0.1, digits=3)
    wall = median_ratio((cost.wall_ms for _, cost in pairs), (first.wall_ms for first, _ in pairs))
    yield Bound("further prompt ÷ first, time", wall, 0.1, digits=3)


def _vision_cpu_s(costs: Sequence[RouteCost]) -> float:
    return statistics.median(cost.vision_cpu_s for cost in costs)
