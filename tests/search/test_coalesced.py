import asyncio
from collections.abc import Sequence

from facetkit.errors import InvalidInput, Unavailable
from search.adapters.coalesced import MAX_BATCH, Coalesced


class Answering:
    """Answers a query by itself and its key once `go` is set; `bad` queries fail their batch."""

    def __init__(self, lanes: int = 1) -> None:
        self.batches: list[tuple[str, list[int]]] = []
        self.go = asyncio.Event()
        self.coalesced = Coalesced(self._answer, lanes)

    def ask(self, *queries: int, key: str = "") -> list[asyncio.Task[tuple[str, int]]]:
        return [asyncio.create_task(self.coalesced.ask(key, query)) for query in queries]

    async def _answer(self, key: str, queries: Sequence[int]) -> list[tuple[str, int]]:
        self.batches.append((key, list(queries)))
        await self.go.wait()
        if -1 in queries:
            raise InvalidInput("bad")
        return [(key, query) for query in queries]


async def settle() -> None:
    """Lets everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_query_goes_at_once() -> None:
    answering = Answering()
    answering.ask(1)
    await settle()
    assert answering.batches == [("", [1])]
    await answering.coalesced.close()


async def test_those_who_wait_go_together_and_each_gets_its_own_answer() -> None:
    answering = Answering()
    asked = answering.ask(0)
    await settle()
    asked += answering.ask(1, 2, 3)
    await settle()
    asked += answering.ask(4)
    await settle()
    answering.go.set()
    assert await asyncio.gather(*asked) == [("", number) for number in range(5)]
    assert answering.batches == [("", [0]), ("", [1, 2, 3, 4])]


async def test_batches_have_an_end() -> None:
    answering = Answering()
    asked = answering.ask(*range(2 * MAX_BATCH + 3))
    answering.go.set()
    await asyncio.gather(*asked)
    assert [len(queries) for _, queries in answering.batches] == [MAX_BATCH, MAX_BATCH, 3]


async def test_keys_take_turns_and_never_mix() -> None:
    answering = Answering()
    asked = [*answering.ask(*range(MAX_BATCH + 1), key="a"), *answering.ask(7, key="b")]
    answering.go.set()
    answers = await asyncio.gather(*asked)
    assert answers[-1] == ("b", 7)
    assert [(key, len(queries)) for key, queries in answering.batches] == [
        ("a", MAX_BATCH),
        ("b", 1),
        ("a", 1),
    ]


async def test_a_failure_reaches_its_own_batch_and_no_other() -> None:
    answering = Answering()
    first = answering.ask(1, -1)
    await settle()
    second = answering.ask(2, 3)
    answering.go.set()
    failed = await asyncio.gather(*first, return_exceptions=True)
    assert [type(each) for each in failed] == [InvalidInput, InvalidInput]
    assert await asyncio.gather(*second) == [("", 2), ("", 3)]
    assert await asyncio.gather(*answering.ask(4)) == [("", 4)]


async def test_callers_that_leave_are_not_answered_and_hurt_nobody() -> None:
    answering = Answering()
    first = answering.ask(1, 2)
    await settle()
    second = answering.ask(3, 4)
    await settle()
    for task in (first[0], second[0]):
        task.cancel()
    answering.go.set()
    assert await first[1] == ("", 2)
    assert await second[1] == ("", 4)
    assert answering.batches == [("", [1, 2]), ("", [4])]


async def test_lanes_run_beside_each_other() -> None:
    answering = Answering(lanes=2)
    asked = []
    for number in range(4):
        asked += answering.ask(number)
        await settle()
    assert answering.batches == [("", [0]), ("", [1])]
    answering.go.set()
    await asyncio.gather(*asked)
    assert answering.batches[2:] == [("", [2, 3])]


async def test_closing_fails_who_waits_and_who_comes_later() -> None:
    answering = Answering()
    asked = answering.ask(1)
    await settle()
    asked += answering.ask(2)
    await settle()
    await answering.coalesced.close()
    asked += answering.ask(3)
    failed = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(each) for each in failed] == [Unavailable] * 3
