import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from facetkit import deadlines
from facetkit.errors import Deadline, FacetError, Overloaded
from tests.vision_models.fakes import FakeEmbedder
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.domain import Lane, Vectors
from vision_models.label_prompts import NEUTRAL, TEMPLATES, prompts
from vision_models.label_vectors import LabelVectors

MAX_BATCH = 8
EACH = len(TEMPLATES)
WHOLE = MAX_BATCH * EACH
KEPT = tuple(f"kept {number}" for number in range(20))


@dataclass
class Parts:
    """Label vectors over a fake embedder."""

    vectors: LabelVectors
    embedder: FakeEmbedder
    batcher: Batcher

    async def embed(self, labels: list[str], lane: Lane = Lane.INTERACTIVE) -> Vectors:
        return await self.vectors.embed(self.embedder, labels, lane)

    def begin(self, labels: list[str], lane: Lane) -> "asyncio.Task[Vectors]":
        return asyncio.create_task(self.embed(labels, lane))


@pytest.fixture
async def parts() -> AsyncIterator[Parts]:
    batcher, embedder = Batcher(max_batch=MAX_BATCH, hang_s=60), FakeEmbedder()
    vectors = LabelVectors(
        batcher=batcher, admission=Admission(8), max_batch=MAX_BATCH, cache_size=30, kept=KEPT
    )
    yield Parts(vectors, embedder, batcher)
    embedder.gate.set()
    await batcher.close()


def named(count: int, name: str = "label") -> list[str]:
    return [f"{name} {number}" for number in range(count)]


async def hold(parts: Parts, labels: list[str], lane: Lane) -> "asyncio.Task[Vectors]":
    parts.embedder.gate.clear()
    parts.embedder.entered.clear()
    task = parts.begin(labels, lane)
    await asyncio.to_thread(parts.embedder.entered.wait, 30)
    return task


async def hold_with_an_image(parts: Parts) -> "asyncio.Future[Any]":
    parts.embedder.gate.clear()
    parts.embedder.entered.clear()
    task = asyncio.ensure_future(image(parts))
    await asyncio.to_thread(parts.embedder.entered.wait, 30)
    return task


def image(parts: Parts) -> Coroutine[Any, Any, Any]:
    pixels = np.zeros((32, 32, 3), np.uint8)
    return parts.batcher.submit(parts.embedder.embed_images, pixels, Lane.INTERACTIVE)


async def test_a_label_is_the_unit_mean_of_its_prompts(parts: Parts) -> None:
    rows = await parts.embed(["ring", NEUTRAL])
    for row, label in zip(rows, ("ring", NEUTRAL), strict=True):
        mean = FakeEmbedder().embed_texts(prompts(label)).mean(axis=0)
        assert row == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)


async def test_labels_keep_their_order_and_are_remembered(parts: Parts) -> None:
    first = await parts.embed(["ring", "dog", "ring"])
    again = await parts.embed(["dog", "ring", "cat"])
    assert np.array_equal(first[[1, 0]], again[:2])
    assert np.array_equal(first[0], first[2])
    assert parts.embedder.batches == [2 * EACH, EACH]


async def test_many_labels_take_few_batches(parts: Parts) -> None:
    rows = await parts.embed(named(300))
    assert rows.shape == (300, parts.embedder.info.dimensions)
    assert parts.embedder.batches == [WHOLE] * 37 + [4 * EACH]


async def test_kept_labels_stay_whatever_else_is_asked(parts: Parts) -> None:
    await parts.embed([NEUTRAL, *KEPT])
    await parts.embed(named(100))
    parts.embedder.batches.clear()
    await parts.embed([*KEPT, NEUTRAL])
    assert parts.embedder.batches == []
    await parts.embed(named(1))
    assert parts.embedder.batches == [EACH]


async def test_another_model_has_vectors_of_its_own(parts: Parts) -> None:
    await parts.embed(["ring"])
    rows = await parts.vectors.embed(FakeEmbedder(dimensions=8), ["ring"], Lane.INTERACTIVE)
    assert rows.shape == (1, 8)


async def test_callers_at_once_compute_equal_labels_once(parts: Parts) -> None:
    one, other = await asyncio.gather(parts.embed(named(24)), parts.embed(named(24)))
    assert np.array_equal(one, other)
    assert sum(parts.embedder.batches) == 24 * EACH


async def test_an_image_waits_for_one_batch_of_labels_of_however_many_callers(
    parts: Parts,
) -> None:
    calls: list[asyncio.Future[Any]] = [await hold(parts, named(24), Lane.INTERACTIVE)]
    calls += [parts.begin(named(24, name), Lane.INTERACTIVE) for name in ("second", "third")]
    await asyncio.sleep(0)
    calls.append(asyncio.ensure_future(image(parts)))
    await asyncio.sleep(0)
    parts.embedder.gate.set()
    await asyncio.gather(*calls)
    assert parts.embedder.batches == [WHOLE, 1, *[WHOLE] * 8]


async def test_interactive_labels_come_before_the_rest_of_bulk(parts: Parts) -> None:
    bulk = await hold(parts, named(16), Lane.BULK)
    interactive = parts.begin(["ring"], Lane.INTERACTIVE)
    await asyncio.sleep(0)
    parts.embedder.gate.set()
    await asyncio.gather(bulk, interactive)
    assert parts.embedder.batches == [WHOLE, EACH, WHOLE]


async def test_labels_of_both_lanes_share_a_batch_that_bulk_leads(parts: Parts) -> None:
    held = await hold_with_an_image(parts)
    bulk = parts.begin(named(4, "bulk"), Lane.BULK)
    interactive = parts.begin(named(4), Lane.INTERACTIVE)
    await asyncio.sleep(0)
    parts.embedder.gate.set()
    await asyncio.gather(held, bulk, interactive)
    assert parts.embedder.batches == [1, WHOLE]


async def test_interactive_labels_never_wait_for_the_turn_of_bulk(parts: Parts) -> None:
    # A first bulk batch, so that the next one is not yet due.
    await parts.embed(["first"], Lane.BULK)
    held = await hold_with_an_image(parts)
    bulk = parts.begin(named(4, "bulk"), Lane.BULK)
    await asyncio.sleep(0)
    interactive = parts.begin(["ring"], Lane.INTERACTIVE)
    await asyncio.sleep(0)
    parts.embedder.gate.set()
    await asyncio.gather(held, bulk, interactive)
    assert parts.embedder.batches == [EACH, 1, EACH, 4 * EACH]


async def test_a_caller_that_left_computes_no_more(parts: Parts) -> None:
    leaving = await hold(parts, named(80), Lane.INTERACTIVE)
    leaving.cancel()
    parts.embedder.gate.set()
    await parts.embed(["ring"])
    assert parts.embedder.batches == [WHOLE, EACH]


async def test_a_deadline_ends_the_wait_for_others(parts: Parts) -> None:
    first = await hold(parts, named(8), Lane.INTERACTIVE)

    async def hasty() -> None:
        async with deadlines.within(0.1):
            await parts.embed(["ring"])

    with pytest.raises(Deadline):
        await hasty()
    parts.embedder.gate.set()
    await first
    await parts.embed(["dog"])
    assert parts.embedder.batches == [WHOLE, EACH]


async def test_a_call_takes_one_place_in_the_queue_however_many_labels(parts: Parts) -> None:
    calls = [await hold(parts, named(30), Lane.INTERACTIVE)]
    calls += [parts.begin(named(30, f"caller {n}"), Lane.INTERACTIVE) for n in range(7)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await asyncio.wait_for(parts.embed(["ring"]), 5)
    parts.embedder.gate.set()
    assert len(await asyncio.gather(*calls)) == 8


class Broken(FakeEmbedder):
    """Gives numbers that are none."""

    def embed_texts(self, texts: object) -> Vectors:
        return np.full((EACH, self.info.dimensions), np.nan, np.float32)


async def test_a_vector_that_is_not_finite_is_an_error_and_not_remembered(parts: Parts) -> None:
    with pytest.raises(FacetError, match="not finite"):
        await parts.vectors.embed(Broken(), ["ring"], Lane.INTERACTIVE)
    rows = await parts.embed(["ring"])
    assert np.isfinite(rows).all()
