"""The tables of `make bench-embed`."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.load import Cost
from bench.report import Bound, heading, median_ratio, table


@dataclass(frozen=True, slots=True)
class Results:
    """What was measured: a Cost per server and round; `best` is the mesh's own choice."""

    best: str
    images: int
    kilobytes: float
    batched: Sequence[dict[str, Cost]]
    single: Sequence[dict[str, Cost]]
    cosines: dict[str, float]
    idle_percent: float

    def cpu_ms(self, name: str) -> list[float]:
        """CPU milliseconds per image of each round."""
        return [costs[name].cpu_ms for costs in self.batched]


def markdown(results: Results) -> str:
    """The section for the README."""
    what = (
        f"{results.images} JPEGs of 1632 × 1224 ({results.kilobytes:.0f} kB on average), "
        f"ViT-B/32 of full size with random weights, {len(results.batched)} interleaved rounds, "
        f"medians of the rounds and of their ratios. {_choice(results.best)}"
    )
    servers = table(
        ("server", "precision", "CPU ms per image", "images per s", "lowest cosine"),
        _server_rows(results),
    )
    bounds = table(("what", "value", "bound", ""), (bound.cells for bound in _bounds(results)))
    return "\n\n".join((heading("make bench-embed"), what, servers, bounds))


def _choice(best: str) -> str:
    if best == "fp32":
        return "This processor computes in no bf16: the best safe precision here is fp32."
    return f"The best safe precision that this processor computes in is {best}."


def _server_rows(results: Results) -> Iterator[tuple[str, ...]]:
    for name in results.batched[0]:
        cpu_ms = statistics.median(results.cpu_ms(name))
        wall_ms = statistics.median(costs[name].wall_ms for costs in results.batched)
        cosine = results.cosines.get(name)
        server, _, own = name.partition(" ") if name.startswith("mesh ") else (name, "", "fp32")
        precision = results.best if name == "floor" else own
        shown = "–" if cosine is None else f"{cosine:.6f}"
        yield (server, precision, f"{cpu_ms:.1f}", f"{1000 / wall_ms:.1f}", shown)


def _bounds(results: Results) -> Iterator[Bound]:
    best = f"mesh {results.best}"
    yield _ratio(results, "same precision: ", "mesh fp32", "infinity_emb", 0.85)
    for peer, limit in (("infinity_emb", 0.60), ("LitServe", 0.60), ("FastAPI", 0.42)):
        yield _ratio(results, "best safe precision: ", best, peer, limit)
    yield _ratio(results, "", best, "floor", 1.15)
    overhead_ms = statistics.median(
        costs["mesh"].wall_ms - costs["floor"].wall_ms for costs in results.single
    )
    yield Bound(f"{best} minus floor, one in flight, ms", overhead_ms, 10)
    yield Bound(f"{best}, idle, percent of a core", results.idle_percent, 3)
    what = f"{best}, lowest cosine to fp32 of a full decode"
    yield Bound(what, results.cosines[best], 0.9995, at_least=True, digits=6)


def _ratio(results: Results, kind: str, ours: str, other: str, limit: float) -> Bound:
    """CPU of `ours` over that of the server whose name begins with `other`."""
    name = next(name for name in results.batched[0] if name.startswith(other))
    ratio = median_ratio(results.cpu_ms(ours), results.cpu_ms(name))
    return Bound(f"{kind}{ours} ÷ {name}, CPU", ratio, limit)
