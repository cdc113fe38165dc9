import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest

from facetkit import deadlines
from facetkit.errors import (
    Deadline,
    FacetError,
    InvalidInput,
    Overloaded,
    TooLarge,
    Unprocessable,
    UnsupportedMedia,
)
from facetkit.images import ImageLimits
from tests.pictures import jpeg, png
from tests.vision_models.fake_captioner import FakeCaptioner, FakeChatCaptioner
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.caches.memory import MemoryCaptionCache
from vision_models.caption_requests import Captioned, Prompts
from vision_models.caption_service import CaptionService
from vision_models.captioning import Captioning
from vision_models.decoding import whole
from vision_models.domain import Captioner, Lane, ModelInfo
from vision_models.places import ModelState
from vision_models.pool import ModelPool
from vision_models.tags import nouns

COLLECTIVE = {"blip": False, "gemma": True}
NO_PROMPTS = Prompts()


@dataclass
class Family:
    """A caption service over fake models, and what happened to them."""

    models: dict[str, FakeCaptioner] = field(
        default_factory=lambda: {
            "blip": FakeCaptioner("blip-base"),
            "gemma": FakeChatCaptioner("gemma-4b"),
        }
    )
    judged: list[str] = field(default_factory=list)
    confidence: float = 0.0
    version: str = "1"
    cache: MemoryCaptionCache = field(
        default_factory=lambda: MemoryCaptionCache(items=100, ttl_s=100)
    )

    def __post_init__(self) -> None:
        self.pool: ModelPool[Captioner] = ModelPool(self._load, self._unload, capacity=2)
        self.batcher = Batcher(max_batch=8, hang_s=60)
        captioning = Captioning(
            pool=self.pool,
            batcher=self.batcher,
            admission=Admission(8),
            decoders=ThreadPoolExecutor(2),
            decode=lambda content, side: whole(content, side, limits=ImageLimits()),
            judge=self._judge,
            nouns=nouns,
            chats=[key for key, several in COLLECTIVE.items() if several],
        )
        self.service = CaptionService(
            collective=COLLECTIVE,
            pool=self.pool,
            captioning=captioning,
            cache=self.cache,
            identify=self._identify,
            max_new_tokens=8,
        )

    async def ask(self, image: bytes, model: str = "blip", **prompts: str) -> Captioned:
        return await self.service.caption_image(model, image, Prompts(**prompts), Lane.INTERACTIVE)

    async def ask_together(self, *images: bytes, **prompts: str) -> Captioned:
        return await self.service.caption_collection(
            "gemma", images, Prompts(**prompts), Lane.INTERACTIVE
        )

    def _load(self, name: str) -> Captioner:
        return self.models[name]

    async def _unload(self, model: Captioner) -> None:
        model.unload()

    async def _judge(self, image: bytes, text: str, lane: Lane) -> float:
        self.judged.append(text)
        return self.confidence

    async def _identify(self, key: str) -> ModelInfo:
        return replace(self.models[key].info, version=self.version)


@pytest.fixture
async def family() -> AsyncIterator[Family]:
    made = Family()
    yield made
    for model in made.models.values():
        model.gate.set()
    await made.pool.close()
    await made.batcher.close()


async def test_an_image_in_words_with_its_nouns(family: Family) -> None:
    made = await family.ask(jpeg(1))
    assert made.caption.startswith("a picture of")
    assert made.tags
    assert set(made.tags) <= set(made.caption.split())
    assert (made.flagged, made.cached, made.model.name) == (False, False, "blip-base")


async def test_the_second_answer_comes_from_the_cache(family: Family) -> None:
    made = await family.ask(jpeg(1))
    again = await family.ask(jpeg(1))
    assert again == replace(made, cached=True)
    assert family.models["blip"].batches == [1]


async def test_nothing_of_another_question_answers_this_one(family: Family) -> None:
    await family.ask(jpeg(1))
    others = [
        await family.ask(jpeg(1), model="gemma"),
        await family.ask(jpeg(1), caption="a ring"),
        await family.ask(jpeg(1), flag="a ring"),
        await family.ask(jpeg(2)),
        await family.ask_together(jpeg(1)),
    ]
    assert not any(made.cached for made in others)
    assert (await family.ask(jpeg(1))).cached


async def test_another_version_of_a_model_does_not_answer_from_the_cache(family: Family) -> None:
    await family.ask(jpeg(1))
    other = Family(cache=family.cache, version="2")
    assert not (await other.ask(jpeg(1))).cached
    same = Family(cache=family.cache)
    assert (await same.ask(jpeg(1))).cached


async def test_equal_calls_in_flight_are_computed_once(family: Family) -> None:
    made = await asyncio.gather(*(family.ask(jpeg(1)) for _ in range(30)))
    assert len({each.caption for each in made}) == 1
    assert family.models["blip"].batches == [1]


async def test_calls_that_arrive_meanwhile_share_a_batch(family: Family) -> None:
    blip = family.models["blip"]
    blip.gate.clear()
    first = asyncio.create_task(family.ask(jpeg(0)))
    await asyncio.to_thread(blip.entered.wait, 30)
    others = [asyncio.create_task(family.ask(jpeg(seed))) for seed in range(1, 6)]
    await asyncio.sleep(0.3)
    blip.gate.set()
    made = [each.caption for each in await asyncio.gather(first, *others)]
    assert blip.batches == [1, 5]
    alone = Family()
    assert made == [(await alone.ask(jpeg(seed))).caption for seed in range(6)]


@pytest.mark.parametrize(("confidence", "flagged"), [(0.49, False), (0.5, True)])
async def test_clip_judges_for_models_that_cannot_be_asked(
    family: Family, confidence: float, flagged: bool
) -> None:
    family.confidence = confidence
    made = await family.ask(jpeg(1), flag="a weapon")
    assert made.flagged is flagged
    assert family.judged == ["a weapon"]


async def test_chat_models_are_asked_themselves(family: Family) -> None:
    answers = [
        (await family.ask(jpeg(seed), model="gemma", flag="is it gold?")).flagged
        for seed in range(12)
    ]
    assert set(answers) == {True, False}
    assert not family.judged


async def test_several_images_in_one_caption_in_their_order(family: Family) -> None:
    one, other = jpeg(1), jpeg(2)
    made = await family.ask_together(one, other)
    turned = await family.ask_together(other, one)
    assert made.caption != turned.caption
    assert not turned.cached
    assert (await family.ask_together(one, other)).cached


@pytest.mark.parametrize(
    ("image", "error"),
    [(b"", InvalidInput), (b"hello", UnsupportedMedia), (jpeg(1)[:900], Unprocessable)],
)
async def test_bad_images_are_told_and_named_among_several(
    family: Family, image: bytes, error: type[FacetError]
) -> None:
    with pytest.raises(error):
        await family.ask(image)
    with pytest.raises(error) as refused:
        await family.ask_together(jpeg(1), image)
    assert list(refused.value.fields) == ["images[1]"]


async def test_wrong_requests_name_their_field(family: Family) -> None:
    ask, picture = family.service.caption_image, jpeg(1)
    with pytest.raises(InvalidInput, match="'model' must be one of blip, gemma"):
        await ask("gpt", picture, NO_PROMPTS, Lane.INTERACTIVE)
    with pytest.raises(InvalidInput, match="'caption_prompt' must have at most 2000"):
        await ask("blip", picture, Prompts("x" * 2001), Lane.INTERACTIVE)
    with pytest.raises(InvalidInput, match="'flag_caption_prompt' must have at most 2000"):
        await ask("blip", picture, Prompts("", "x" * 2001), Lane.INTERACTIVE)
    for model in ("", "blip"):
        with pytest.raises(InvalidInput, match="one of gemma"):
            await family.service.caption_collection(model, [picture], NO_PROMPTS, Lane.INTERACTIVE)
    with pytest.raises(InvalidInput, match="'images' must have 1 to 16"):
        await family.ask_together(*[picture] * 17)
    with pytest.raises(TooLarge, match="64 MiB together"):
        await family.ask_together(*[bytes(23 * 2**20)] * 3)


async def test_a_prompt_that_the_model_cannot_read_is_named(family: Family) -> None:
    with pytest.raises(InvalidInput) as refused:
        await family.ask(jpeg(1), caption="word " * 100)
    assert list(refused.value.fields) == ["caption_prompt"]


async def test_over_the_bound_calls_are_refused(family: Family) -> None:
    blip = family.models["blip"]
    blip.gate.clear()
    calls = [asyncio.create_task(family.ask(jpeg(seed))) for seed in range(12)]
    done, waiting = await asyncio.wait(calls, timeout=1)
    assert len(done) == 4
    assert all(isinstance(call.exception(), Overloaded) for call in done)
    blip.gate.set()
    assert len(await asyncio.gather(*waiting)) == 8


async def test_who_leaves_abandons_what_was_being_computed(family: Family) -> None:
    blip = family.models["blip"]
    blip.gate.clear()
    with pytest.raises(Deadline):
        async with deadlines.within(0.3):
            await family.ask(jpeg(1))
    assert blip.entered.is_set()
    blip.gate.set()
    made = await family.ask(jpeg(1))
    assert made.caption != "a"
    assert not made.cached


async def test_the_models_tell_where_they_are(family: Family) -> None:
    before = {state.key: state for state in family.service.states()}
    assert before["blip"].state is ModelState.UNLOADED
    assert before["blip"].model is None
    await family.ask(jpeg(1))
    after = {state.key: state for state in family.service.states()}
    assert after["blip"].state is ModelState.LOADED
    assert (after["blip"].collective, after["gemma"].collective) == (False, True)


async def test_the_cache_is_forgotten_on_request(family: Family) -> None:
    await family.ask(png(1))
    await family.ask(png(2))
    assert await family.service.reset_cache() == 2
    assert not (await family.ask(png(1))).cached
