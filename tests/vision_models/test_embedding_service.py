import asyncio
import functools
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

from facetkit import deadlines
from facetkit.errors import (
    Deadline,
    InvalidInput,
    Overloaded,
    Unprocessable,
    UnsupportedMedia,
)
from facetkit.images import ImageLimits
from tests.pictures import jpeg, png
from tests.vision_models.fakes import FakeEmbedder
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.domain import Embedder, Lane, PreparedImage
from vision_models.embedding_family import prepare
from vision_models.embedding_service import EmbeddingService
from vision_models.kept_model import KeptModel
from vision_models.label_prompts import TEMPLATES
from vision_models.label_vectors import LabelVectors

INTERACTIVE = Lane.INTERACTIVE
COMMON = tuple(f"object {number}" for number in range(300))


@dataclass
class Family:
    """A service over a fake embedder, and how often it decoded."""

    service: EmbeddingService
    kept: KeptModel[Embedder]
    embedder: FakeEmbedder
    decoded: list[bytes]


@pytest.fixture
async def family() -> AsyncIterator[Family]:
    embedder, decoded = FakeEmbedder(), []

    def counted(content: bytes, side: int) -> PreparedImage:
        decoded.append(content)
        return prepare(content, side, limits=ImageLimits())

    async def zero_shot() -> FakeEmbedder:
        return embedder

    batcher, admission = Batcher(max_batch=8, hang_s=60), Admission(8)
    kept: KeptModel[Embedder] = KeptModel("embedding")
    kept.put(embedder)
    service = EmbeddingService(
        embedder=kept,
        batcher=batcher,
        admission=admission,
        decoders=ThreadPoolExecutor(2),
        prepare=counted,
        load_zero_shot=zero_shot,
        labels=LabelVectors(
            batcher=batcher, admission=admission, max_batch=8, cache_size=100, kept=COMMON
        ),
        common_objects=COMMON,
        cache_size=100,
    )
    yield Family(service, kept, embedder, decoded)
    embedder.gate.set()
    await batcher.close()


async def test_an_image_becomes_a_unit_vector_with_its_size(family: Family) -> None:
    embedding = await family.service.embed_image(jpeg(1, 320, 240), INTERACTIVE)
    assert np.linalg.norm(embedding.vector) == pytest.approx(1)
    assert (embedding.width, embedding.height) == (320, 240)
    assert embedding.content_type == "image/jpeg"


async def test_the_same_image_is_computed_once(family: Family) -> None:
    calls = [family.service.embed_image(jpeg(1), INTERACTIVE) for _ in range(20)]
    vectors = [embedding.vector for embedding in await asyncio.gather(*calls)]
    again = await family.service.embed_image(jpeg(1), INTERACTIVE)
    assert all(np.array_equal(vector, again.vector) for vector in vectors)
    assert family.embedder.batches == [1]
    assert len(family.decoded) == 1


async def test_another_model_does_not_answer_from_the_cache(family: Family) -> None:
    await family.service.embed_image(jpeg(1), INTERACTIVE)
    other = FakeEmbedder(dimensions=8)
    family.kept.put(other)
    embedding = await family.service.embed_image(jpeg(1), INTERACTIVE)
    assert embedding.vector.shape == (8,)


async def test_one_bad_image_among_good_ones_fails_alone(family: Family) -> None:
    good = [jpeg(seed) for seed in range(7)]
    calls = [*good, jpeg(99)[:2000]]
    outcomes = await asyncio.gather(
        *(family.service.embed_image(image, INTERACTIVE) for image in calls),
        return_exceptions=True,
    )
    assert isinstance(outcomes[-1], Unprocessable)
    assert not any(isinstance(outcome, BaseException) for outcome in outcomes[:-1])


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"", InvalidInput), (b"hello", UnsupportedMedia), (jpeg(1)[:900], Unprocessable)],
)
async def test_bad_images_are_named(family: Family, content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        await family.service.embed_image(content, INTERACTIVE)
    assert family.embedder.batches == []


async def test_over_the_bound_calls_are_refused_before_decoding(family: Family) -> None:
    family.embedder.gate.clear()
    calls = [
        asyncio.create_task(family.service.embed_image(jpeg(seed), INTERACTIVE))
        for seed in range(20)
    ]
    done, waiting = await asyncio.wait(calls, timeout=0.5)
    assert len(done) == 12
    assert all(isinstance(call.exception(), Overloaded) for call in done)
    family.embedder.gate.set()
    assert len(await asyncio.gather(*waiting)) == 8
    assert len(family.decoded) == 8


async def test_texts_keep_their_order_and_are_cached(family: Family) -> None:
    texts = ["a ring", "a necklace", "a ring"]
    ring, necklace, again = await family.service.embed_texts(texts, INTERACTIVE)
    assert np.array_equal(ring, again)
    assert not np.array_equal(ring, necklace)
    await family.service.embed_texts(["a necklace"], INTERACTIVE)
    assert sum(family.embedder.batches) == 2


@pytest.mark.parametrize("texts", [[], [""], ["  "], ["x" * 2001], ["a"] * 257])
async def test_bad_texts_name_the_field(family: Family, texts: list[str]) -> None:
    with pytest.raises(InvalidInput, match="'texts") as refused:
        await family.service.embed_texts(texts, INTERACTIVE)
    assert refused.value.fields


async def test_confidences_are_independent_of_other_labels(family: Family) -> None:
    one, model = await family.service.classify_image(png(1), ["ring"], INTERACTIVE)
    many, _ = await family.service.classify_image(png(1), ["dog", "ring", "cat"], INTERACTIVE)
    assert model == family.embedder.info
    assert [score.label for score in many] == ["dog", "ring", "cat"]
    assert many[1].confidence == pytest.approx(one[0].confidence)
    assert all(0 <= score.confidence <= 1 for score in many)
    assert len({score.confidence for score in many}) == 3


async def test_without_labels_the_common_objects_are_computed_once(family: Family) -> None:
    scores, _ = await family.service.classify_image(png(1), [], INTERACTIVE)
    assert tuple(score.label for score in scores) == COMMON
    # The image, and the objects with the neutral prompts in full batches.
    assert sum(family.embedder.batches) == 1 + 301 * len(TEMPLATES)
    assert len(family.embedder.batches) == 1 + 38
    family.embedder.batches.clear()
    others = [f"label {number}" for number in range(200)]
    await family.service.classify_image(png(1), others, INTERACTIVE)
    family.embedder.batches.clear()
    await family.service.classify_image(png(2), [], INTERACTIVE)
    assert family.embedder.batches == [1]


async def test_top_gives_the_best_first(family: Family) -> None:
    labels = ["dog", "ring", "cat", "house", "tree"]
    every, _ = await family.service.classify_image(png(1), labels, INTERACTIVE)
    best, _ = await family.service.classify_image(png(1), labels, INTERACTIVE, top=2)
    ranked = sorted(every, key=lambda score: -score.confidence)
    assert best == ranked[:2]
    all_of_them, _ = await family.service.classify_image(png(1), labels, INTERACTIVE, top=99)
    assert all_of_them == ranked


@pytest.mark.parametrize(
    ("labels", "field", "message"),
    [
        (["ring", "dog", "ring"], "labels[2]", "must differ from labels[0]"),
        (["ring", " "], "labels[1]", "must have 1 to 200 characters"),
        (["x" * 201], "labels[0]", "must have 1 to 200 characters"),
        ([str(n) for n in range(1001)], "labels", "must have at most 1000 elements"),
    ],
)
async def test_bad_labels_are_named(
    family: Family, labels: list[str], field: str, message: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await family.service.classify_image(png(1), labels, INTERACTIVE)
    assert refused.value.fields == {field: message}
    assert family.embedder.batches == []


async def test_a_description_is_taken_as_it_is(family: Family) -> None:
    image = (await family.service.embed_image(png(1), INTERACTIVE)).vector
    neutral, text = family.embedder.embed_texts(["a photo.", "two rings"])
    fit = await family.service.describes(png(1), "two rings", INTERACTIVE)
    logit = family.embedder.logit_scale * float(image @ text - image @ neutral)
    assert fit == pytest.approx(1 / (1 + np.exp(-logit)))


async def test_a_thousand_labels_take_one_place_in_the_queue(family: Family) -> None:
    labels = [f"label {number}" for number in range(1000)]
    scores, _ = await family.service.classify_image(png(1), labels, INTERACTIVE)
    assert len(scores) == 1000


async def test_an_expired_call_does_no_work(family: Family) -> None:
    family.embedder.gate.clear()
    blocker = asyncio.create_task(family.service.embed_image(jpeg(1), INTERACTIVE))
    await asyncio.to_thread(family.embedder.entered.wait, 30)

    async def hasty() -> None:
        async with deadlines.within(0.1):
            await family.service.embed_image(jpeg(2), INTERACTIVE)

    with pytest.raises(Deadline):
        await hasty()
    family.embedder.gate.set()
    await blocker
    await family.service.embed_image(jpeg(3), INTERACTIVE)
    assert family.embedder.batches == [1, 1]


async def test_bulk_is_served_when_nothing_else_is_there(family: Family) -> None:
    embed = functools.partial(family.service.embed_image, lane=Lane.BULK)
    made = await asyncio.gather(*(embed(jpeg(seed)) for seed in range(30)))
    assert len(made) == 30
