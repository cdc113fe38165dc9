import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from facetkit.errors import InvalidInput, Overloaded, Unprocessable, UnsupportedMedia
from facetkit.images import ImageLimits
from tests.pictures import jpeg
from tests.vision_models.fake_painter import FakePainter
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.decoding import whole
from vision_models.domain import Lane
from vision_models.generation_domain import Painter
from vision_models.generation_requests import (
    Drawn,
    GenerationEvent,
    PictureRequest,
    Progressed,
    Queued,
)
from vision_models.generation_service import GenerationService
from vision_models.kept_model import KeptModel

REQUEST = PictureRequest(
    prompt="a gold ring",
    negative_prompt="",
    steps=5,
    guidance_scale=7.5,
    width=512,
    height=256,
    seed=7,
    count=1,
    scheduler="",
    init_image=b"",
    strength=0.0,
    previews=False,
)


class Family:
    """A generation service over a fake painter."""

    def __init__(self, queue: int = 8, hang_s: float = 60) -> None:
        self.painter = FakePainter()
        self.kept: KeptModel[Painter] = KeptModel("generation")
        self.batcher = Batcher(max_batch=4, hang_s=hang_s)
        self.admission = Admission(queue)
        self.service = GenerationService(
            painter=self.kept,
            batcher=self.batcher,
            admission=self.admission,
            decoders=ThreadPoolExecutor(2),
            decode=lambda content, side: whole(content, side, limits=ImageLimits()),
        )

    async def events(self, request: PictureRequest = REQUEST) -> list[GenerationEvent]:
        return [event async for event in self.service.generate(request, Lane.INTERACTIVE)]

    async def drawn(self, request: PictureRequest = REQUEST) -> Drawn:
        last = (await self.events(request))[-1]
        assert isinstance(last, Drawn)
        return last

    async def held(
        self, request: PictureRequest = REQUEST
    ) -> "asyncio.Task[list[GenerationEvent]]":
        """A call whose picture waits within its first step."""
        self.painter.gate.clear()
        self.painter.entered.clear()
        task = asyncio.create_task(self.events(request))
        await asyncio.to_thread(self.painter.entered.wait, 30)
        return task


@pytest.fixture
async def family() -> AsyncIterator[Family]:
    made = Family()
    made.kept.put(made.painter)
    yield made
    made.painter.gate.set()
    await made.batcher.close()


def opened(png: bytes) -> PngImageFile:
    image = Image.open(BytesIO(png))
    assert isinstance(image, PngImageFile)
    image.load()
    return image


def pixels(drawn: Drawn) -> list[list[int]]:
    return [np.asarray(opened(each.png)).reshape(-1).tolist() for each in drawn.pictures]


async def test_queued_then_every_step_then_the_picture(family: Family) -> None:
    first, *steps, last = await family.events()
    assert first == Queued(0)
    assert steps == [Progressed(step, 5) for step in range(1, 6)]
    assert isinstance(last, Drawn)
    assert (last.scheduler, last.native_width, last.native_height) == ("pndm", 128, 64)
    assert last.model == family.painter.info


async def test_the_file_says_how_it_was_made(family: Family) -> None:
    request = replace(
        REQUEST, prompt='a "ring" – золото', negative_prompt="dark", scheduler="euler"
    )
    drawn = await family.drawn(request)
    image = opened(drawn.pictures[0].png)
    assert image.size == (512, 256)
    assert image.text == {
        "Software": "Facet",
        "prompt": 'a "ring" – золото',
        "negative_prompt": "dark",
        "seed": "7",
        "samples": "5",
        "cfg": "7.5",
        "width": "512",
        "height": "256",
        "scheduler": "euler",
        "native_width": "128",
        "native_height": "64",
        "model": "fake",
        "model_version": "1",
        "model_set": "fake",
    }


async def test_several_pictures_count_their_seeds_on_and_are_one_batch(family: Family) -> None:
    holding = await family.held()
    together = asyncio.create_task(family.events(replace(REQUEST, count=3, seed=2**32 - 1)))
    await asyncio.sleep(0.05)
    family.painter.gate.set()
    await holding
    *steps, drawn = await together
    assert isinstance(drawn, Drawn)
    assert [picture.seed for picture in drawn.pictures] == [2**32 - 1, 0, 1]
    assert family.painter.batches == [[7], [2**32 - 1, 0, 1]]
    told = [event.step for event in steps if isinstance(event, Progressed)]
    assert told == [1, 2, 3, 4, 5]
    alone = await family.drawn(replace(REQUEST, seed=0))
    assert pixels(alone)[0] == pixels(drawn)[1]


async def test_a_preview_comes_with_the_step_that_all_pictures_took(family: Family) -> None:
    *steps, _ = await family.events(replace(REQUEST, count=3, previews=True))
    told = [event for event in steps if isinstance(event, Progressed)]
    assert [event.step for event in told] == [1, 2, 3, 4, 5]
    assert all(opened(event.preview).size == (8, 8) for event in told)


async def test_a_prompt_that_is_not_read_to_its_end_is_told(family: Family) -> None:
    long = "gold " * 30
    assert not (await family.drawn()).prompt_cut
    assert (await family.drawn(replace(REQUEST, prompt=long))).prompt_cut
    assert (await family.drawn(replace(REQUEST, negative_prompt=long))).prompt_cut


async def test_without_a_seed_every_call_has_its_own_and_it_is_told(family: Family) -> None:
    drawn = [await family.drawn(replace(REQUEST, seed=None)) for _ in range(4)]
    seeds = {each.pictures[0].seed for each in drawn}
    assert len(seeds) == 4
    seed = drawn[0].pictures[0].seed
    assert pixels(await family.drawn(replace(REQUEST, seed=seed))) == pixels(drawn[0])


async def test_equal_shapes_wait_together_and_others_apart(family: Family) -> None:
    holding = await family.held()
    others = [
        replace(REQUEST, seed=1, prompt="a horse"),
        replace(REQUEST, seed=2, steps=9),
        replace(REQUEST, seed=3, negative_prompt="dark"),
        replace(REQUEST, seed=4, width=256, height=512),
        replace(REQUEST, seed=5, guidance_scale=3.0),
    ]
    waiting = [asyncio.create_task(family.events(request)) for request in others]
    await asyncio.sleep(0.05)
    family.painter.gate.set()
    await asyncio.gather(holding, *waiting)
    assert family.painter.batches == [[7], [1, 3], [2], [4], [5]]


async def test_whoever_waits_is_told_of_the_position(family: Family) -> None:
    holding = await family.held()
    second = asyncio.create_task(family.events(replace(REQUEST, steps=6)))
    await asyncio.sleep(0.05)
    third = asyncio.create_task(family.events(replace(REQUEST, steps=7)))
    await asyncio.sleep(0.05)
    family.painter.gate.set()
    await holding
    told = [
        [event.position for event in await task if isinstance(event, Queued)]
        for task in (second, third)
    ]
    assert told == [[1], [2, 1]]


async def test_leaving_in_the_middle_frees_the_worker_within_a_step(family: Family) -> None:
    request = replace(REQUEST, steps=50)
    events = family.service.generate(request, Lane.INTERACTIVE)
    async for event in events:
        if isinstance(event, Progressed) and event.step == 2:
            family.painter.gate.clear()
            break
    await events.aclose()
    taken = family.painter.steps_taken
    family.painter.gate.set()
    assert len((await family.drawn()).pictures) == 1
    # The one that was under way, perhaps one more, and the five of the next picture.
    assert family.painter.steps_taken <= taken + 2 + 5


async def test_one_who_leaves_does_not_touch_the_others_of_the_batch(family: Family) -> None:
    holding = await family.held()
    stays = asyncio.create_task(family.drawn(replace(REQUEST, seed=1)))
    leaves = asyncio.create_task(family.drawn(replace(REQUEST, seed=2)))
    await asyncio.sleep(0.05)
    family.painter.gate.set()
    await holding
    leaves.cancel()
    drawn = await stays
    assert drawn.pictures[0].seed == 1
    assert pixels(drawn) == pixels(await family.drawn(replace(REQUEST, seed=1)))


async def test_a_picture_to_start_from_is_decoded_and_told(family: Family) -> None:
    request = replace(REQUEST, init_image=jpeg(1), strength=0.5)
    image = opened((await family.drawn(request)).pictures[0].png)
    assert image.text["strength"] == "0.5"
    other = await family.drawn(replace(request, init_image=jpeg(2)))
    assert pixels(other) != pixels(await family.drawn(request))


@pytest.mark.parametrize(
    ("content", "error"), [(b"no image", UnsupportedMedia), (jpeg(1)[:300], Unprocessable)]
)
async def test_a_bad_picture_to_start_from_is_named(
    family: Family, content: bytes, error: type[InvalidInput]
) -> None:
    with pytest.raises(error) as raised:
        await family.events(replace(REQUEST, init_image=content, strength=0.5))
    assert set(raised.value.fields) == {"init_image"}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("prompt", ["", "  ", "x" * 2001]),
        ("negative_prompt", ["x" * 2001]),
        ("steps", [0, 151]),
        ("guidance_scale", [0.0, -1.0, 30.1, float("nan"), float("inf")]),
        ("width", [0, 56, 65, 1032]),
        ("height", [0, 56, 65, 1032]),
        ("count", [0, 5]),
        ("scheduler", ["best"]),
    ],
)
async def test_what_is_out_of_range_is_named(
    family: Family, field: str, values: Sequence[object]
) -> None:
    for value in values:
        with pytest.raises(InvalidInput) as raised:
            await family.events(replace(REQUEST, **{field: value}))  # type: ignore[arg-type]
        assert set(raised.value.fields) == {field}
    assert family.painter.batches == []


async def test_strength_counts_only_with_a_picture(family: Family) -> None:
    await family.events(replace(REQUEST, strength=-1.0))
    for strength in (0.0, 1.1, float("nan")):
        with pytest.raises(InvalidInput) as raised:
            await family.events(replace(REQUEST, init_image=jpeg(1), strength=strength))
        assert set(raised.value.fields) == {"strength"}


async def test_a_picture_held_back_takes_none_from_the_others(family: Family) -> None:
    holding = await family.held()
    held_back = asyncio.create_task(family.events(replace(REQUEST, prompt="forbidden")))
    fine = asyncio.create_task(family.drawn(replace(REQUEST, seed=1)))
    await asyncio.sleep(0.05)
    family.painter.gate.set()
    await holding
    with pytest.raises(Unprocessable, match="held the picture back"):
        await held_back
    assert (await fine).pictures[0].seed == 1


async def test_a_full_queue_refuses_and_is_free_again(family: Family) -> None:
    family.service = GenerationService(
        painter=family.kept,
        batcher=family.batcher,
        admission=Admission(2),
        decoders=ThreadPoolExecutor(1),
        decode=lambda content, side: whole(content, side, limits=ImageLimits()),
    )
    holding = await family.held()
    waiting = asyncio.create_task(family.events())
    await asyncio.sleep(0.05)
    with pytest.raises(Overloaded):
        await family.events()
    family.painter.gate.set()
    await asyncio.gather(holding, waiting)
    assert await family.drawn()


async def test_each_step_and_not_the_picture_may_hang() -> None:
    family = Family(hang_s=1.5)
    family.kept.put(family.painter)
    hung = []
    async for event in family.service.generate(replace(REQUEST, steps=4), Lane.INTERACTIVE):
        family.painter.gate.clear()
        if isinstance(event, Progressed):
            await asyncio.sleep(0.5)
            hung.append(family.batcher.hung)
        family.painter.gate.set()
    assert not any(hung)
    holding = await family.held()
    while not family.batcher.hung:
        await asyncio.sleep(0.01)
    family.painter.gate.set()
    await holding
    await family.batcher.close()
