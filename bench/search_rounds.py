"""Rounds of a comparison of searches: who is asked takes turns."""

import asyncio
import statistics
from dataclasses import dataclass

from bench.lite_search import LiteSearch
from bench.searched import Floor, Search
from facet.search.v1 import search_pb2

LITE_EVERY = 10
IN_FLIGHT = 50
RATE_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Rates:
    """Searches per second with one in flight and with many; medians, also of the ratios."""

    alone: float
    together: float
    ratio: float


async def latencies(
    floor: Floor, search: Search, lite: LiteSearch | None, queries: int
) -> dict[str, list[float]]:
    """Milliseconds of each query, by who answered."""
    rows: dict[str, list[float]] = {}
    for number in range(queries):
        rows.setdefault("numpy, fp32", []).append(floor.ask(f"numpy {number}"))
        rows.setdefault("faiss, fp16", []).append(floor.ask(f"faiss {number}"))
        rows.setdefault("search, through gRPC", []).append(await search.ms(number))
        for name, accept in filters(number).items():
            rows.setdefault(name, []).append(await search.ms(number, accept))
        if lite and number % LITE_EVERY == 0:
            rows.setdefault("Milvus Lite, FLAT", []).append(await lite.ms(number))
    return rows


def filters(number: int) -> dict[str, search_pb2.Filter]:
    """Filters by what they are to show; the first one is another for each query."""
    return {
        "search, a new filter, half of the rows": search_pb2.Filter(min_width=1900 + number % 200),
        "search, the same filter, half of the rows": search_pb2.Filter(min_width=2000),
        "search, the same prefix, a tenth of the rows": search_pb2.Filter(prefix="products/"),
    }


async def recall(floor: Floor, search: Search) -> float:
    """Share of the truly nearest rows that search finds, over all queries."""
    truth = floor.ask("truth")
    found = 0
    for first in range(0, len(truth), IN_FLIGHT):
        nearest = truth[first : first + IN_FLIGHT]
        numbers = range(first, first + len(nearest))
        answers = await asyncio.gather(*(search.nearest(number) for number in numbers))
        found += sum(
            len(set(one) & set(other)) for one, other in zip(nearest, answers, strict=True)
        )
    return found / sum(map(len, truth))


async def rates(search: Search, seconds: float) -> Rates:
    """Searches per second with one in flight and with many, in turn."""
    rounds = []
    for _ in range(RATE_ROUNDS):
        alone = await search.per_second(1, seconds)
        rounds.append((alone, await search.per_second(IN_FLIGHT, seconds)))
    alone, together = (statistics.median(each) for each in zip(*rounds, strict=True))
    return Rates(alone, together, statistics.median(many / one for one, many in rounds))
