"""The tables of `make bench-search`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.clustered_vectors import DIMENSIONS
from bench.report import Bound, heading, table
from bench.search_rounds import IN_FLIGHT, Rates

SEARCH, NUMPY = "search, through gRPC", "numpy, fp32"

_LIMITS = {100_000: (0.75, 1.2, 0.999), 500_000: (0.6, 1.2, 0.997)}
"""Median and 95th percentile over numpy's median, and recall, by rows."""


@dataclass(frozen=True, slots=True)
class Results:
    """What was measured over one number of rows: milliseconds of each query by who answered."""

    rows: int
    row_bytes: float
    latencies_ms: dict[str, list[float]]
    recall: float
    rates: Rates

    def over_numpy(self, name: str, percentile: float) -> float:
        """A percentile over numpy's median."""
        return float(
            np.percentile(self.latencies_ms[name], percentile) / np.median(self.latencies_ms[NUMPY])
        )


def markdown(measured: Sequence[Results]) -> str:
    """The section for the README."""
    what = (
        f"Unit vectors of {DIMENSIONS} dimensions, the 10 nearest of each query. Numpy and faiss "
        f"have one thread of one process each. Queries one at a time, all sides in turn; then "
        f"{IN_FLIGHT} in flight."
    )
    head = ("rows", "who", "p50 ms", "p95 ms", "p50 ÷ numpy's p50", "p95 ÷ numpy's p50")
    latencies = table(head, (row for results in measured for row in _latency_rows(results)))
    rates = table(
        ("rows", "1 in flight, per s", f"{IN_FLIGHT} in flight, per s"),
        (
            (f"{each.rows:,}", f"{each.rates.alone:.1f}", f"{each.rates.together:.1f}")
            for each in measured
        ),
    )
    bounds = [bound.cells for results in measured for bound in _bounds(results)]
    judged = table(("what", "value", "bound", ""), bounds)
    return "\n\n".join((heading("make bench-search"), what, latencies, rates, judged))


def _latency_rows(results: Results) -> Iterator[tuple[str, ...]]:
    for name, values in results.latencies_ms.items():
        p50, p95 = np.percentile(values, (50, 95))
        ratios = (f"{results.over_numpy(name, percentile):.2f}" for percentile in (50, 95))
        yield (f"{results.rows:,}", name, f"{p50:.2f}", f"{p95:.2f}", *ratios)


def _bounds(results: Results) -> Iterator[Bound]:
    if results.rows not in _LIMITS:
        return
    p50, p95, recall = _LIMITS[results.rows]
    rows = f"{results.rows:,} rows"
    yield Bound(f"{rows}: search's p50 ÷ numpy's", results.over_numpy(SEARCH, 50), p50)
    yield Bound(f"{rows}: search's p95 ÷ numpy's p50", results.over_numpy(SEARCH, 95), p95)
    yield Bound(f"{rows}: recall@10", results.recall, recall, at_least=True, digits=4)
    yield Bound(f"{rows}: resident bytes a row", results.row_bytes, 1300, digits=0)
    ratio = results.rates.ratio
    yield Bound(f"{rows}: {IN_FLIGHT} in flight ÷ 1, per s", ratio, 2, at_least=True)
