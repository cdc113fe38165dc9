"""Rounds of a comparison of searches: who is asked takes turns."""

import statistics

from bench.lite_search import LiteSearch
from bench.searched import Floor, Search
from facet.search.v1 import search_pb2

LITE_EVERY = 10
IN_FLIGHT = 50
RATE_ROUNDS = 5


async def latencies(
    floor: Floor, search: Search, lite: LiteSearch | None, queries: int
) -> dict[str, list[float]]:
    """Milliseconds of each query, by who answered."""
    rows: dict[str, list[float]] = {}
    for number in range(queries):
        rows.setdefault("numpy", []).append(floor.ask("numpy", number))
        rows.setdefault("faiss", []).append(floor.ask("faiss", number))
        rows.setdefault("search", []).append(await search.ms(number))
        for name, accept in filters(number).items():
            rows.setdefault(name, []).append(await search.ms(number, accept))
        if lite and number % LITE_EVERY == 0:
            rows.setdefault("milvus lite", []).append(await lite.ms(number))
    return rows


def filters(number: int) -> dict[str, search_pb2.Filter]:
    """Filters by what they are to show; the first one is another for each query."""
    return {
        "new filter (half)": search_pb2.Filter(min_width=1900 + number % 200),
        "same filter (half)": search_pb2.Filter(min_width=2000),
        "same prefix (tenth)": search_pb2.Filter(prefix="products/"),
    }


async def recall(floor: Floor, search: Search, queries: int) -> float:
    """Share of the truly nearest rows that search finds."""
    found = 0.0
    for number in range(queries):
        truth = floor.ask("truth", number)
        found += len(set(truth) & set(await search.nearest(number))) / len(truth)
    return found / queries


async def rates(search: Search, seconds: float) -> tuple[float, float, float]:
    """Searches per second, one in flight and many; and the median of the rounds' ratios."""
    rounds = []
    for _ in range(RATE_ROUNDS):
        alone = await search.per_second(1, seconds)
        rounds.append((alone, await search.per_second(IN_FLIGHT, seconds)))
    alone, together = (statistics.median(each) for each in zip(*rounds, strict=True))
    return alone, together, statistics.median(many / one for one, many in rounds)
