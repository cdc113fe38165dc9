import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

from facetkit import deadlines
from facetkit.errors import (
    Deadline,
    FacetError,
    InvalidInput,
    NotReady,
    Overloaded,
    Unprocessable,
    UnsupportedMedia,
)
from facetkit.images import ImageLimits
from tests.pictures import jpeg, png
from tests.vision_models.fake_segmenter import FakeSegmenter
from vision_models.admission import Admission
from vision_models.batcher import Batcher
from vision_models.domain import Lane
from vision_models.kept_model import KeptModel
from vision_models.segmentation_domain import Bits, Box, Part, Point, Prompt, Segmenter
from vision_models.segmentation_encodings import Encodings
from vision_models.segmentation_family import reduced
from vision_models.segmentation_requests import Segmented
from vision_models.segmentation_service import SegmentationService

CENTRE = Prompt((Point(160, 120),))
PROMPT_ERRORS = {
    "nothing": (Prompt(), "points"),
    "too many points": (Prompt((Point(1, 1),) * 65), "points"),
    "only excluded": (Prompt((Point(1, 1, excluded=True),)), "points"),
    "no number": (Prompt((Point(1, 1), Point(float("nan"), 1))), "points[1]"),
    "endless": (Prompt((Point(1, float("inf")),)), "points[0]"),
    "left of it": (Prompt((Point(-1, 1),)), "points[0]"),
    "right of it": (Prompt((Point(1, 1), Point(320, 1))), "points[1]"),
    "below it": (Prompt((Point(1, 240),)), "points[0]"),
    "turned box": (Prompt(box=(10, 10, 5, 20)), "box"),
    "flat box": (Prompt(box=(10, 10, 20, 10)), "box"),
    "box of no number": (Prompt(box=(10, 10, 20, float("nan"))), "box"),
    "box beyond it": (Prompt((Point(1, 1),), (10, 10, 321, 20)), "box"),
    "box before it": (Prompt(box=(-1, 10, 20, 20)), "box"),
}


class Family:
    """A segmentation service over a fake segmenter."""

    def __init__(self, queue: int = 8, encodings: int = 4) -> None:
        self.segmenter = FakeSegmenter()
        self.kept: KeptModel[Segmenter] = KeptModel("segmentation")
        self.batcher = Batcher(max_batch=1, hang_s=60)
        decoders = ThreadPoolExecutor(2)
        reduce = partial(reduced, limits=ImageLimits())
        self.service = SegmentationService(
            segmenter=self.kept,
            batcher=self.batcher,
            admission=Admission(queue),
            decoders=decoders,
            encodings=Encodings(self.batcher, decoders, reduce, encodings),
            points_per_side=8,
        )

    async def image(self, content: bytes, side: int = 0, most: int = 0) -> Segmented:
        return await self.service.segment_image(content, side, most, Lane.INTERACTIVE)

    async def prompt(
        self, content: bytes, prompt: Prompt = CENTRE, several: bool = False
    ) -> Segmented:
        return await self.service.segment_prompt(content, prompt, several, Lane.INTERACTIVE)


@pytest.fixture
async def family() -> AsyncIterator[Family]:
    made = Family()
    await made.kept.keep(lambda: made.segmenter)
    yield made
    made.segmenter.gate.set()
    await made.batcher.close()


def bits_of(part: Part, made: Segmented) -> Bits:
    values = np.arange(len(part.counts)) % 2 == 1
    bits: Bits = np.repeat(values, part.counts).reshape(made.width, made.height).T
    return bits


async def test_parts_are_in_pixels_of_the_original_the_largest_first(family: Family) -> None:
    made = await family.image(jpeg(1))
    assert (made.width, made.height, made.model.name) == (320, 240, "fake-segmenter")
    areas = [part.area for part in made.parts]
    assert len(areas) > 3
    assert areas == sorted(areas, reverse=True)
    for part in made.parts:
        bits = bits_of(part, made)
        assert part.area == bits.sum()
        assert (part.predicted_iou, part.stability) == (0.9, 0.97)
        assert len(part.outer) >= 4


async def test_the_grid_and_the_number_of_masks_may_be_chosen(family: Family) -> None:
    usual = await family.image(jpeg(1))
    assert sum(family.segmenter.asked) == 64
    assert max(family.segmenter.asked) == family.segmenter.points_per_batch
    family.segmenter.asked.clear()
    few = await family.image(jpeg(1), side=8, most=2)
    assert [part.area for part in few.parts] == [part.area for part in usual.parts[:2]]
    family.segmenter.asked.clear()
    await family.image(jpeg(1), side=3)
    assert family.segmenter.asked == [9]


@pytest.mark.parametrize(
    ("side", "most", "field"), [(33, 0, "points_per_side"), (0, 257, "max_masks")]
)
async def test_ranges_are_told(family: Family, side: int, most: int, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await family.image(jpeg(1), side, most)
    assert list(refused.value.fields) == [field]
    assert family.segmenter.encoded == 0


async def test_a_prompt_means_the_likeliest_part_or_several(family: Family) -> None:
    [best] = (await family.prompt(jpeg(1))).parts
    several = (await family.prompt(jpeg(1), several=True)).parts
    assert len(several) == 3
    assert several[0].predicted_iou == best.predicted_iou
    assert best.counts.tolist() == several[0].counts.tolist()
    scores = [part.predicted_iou for part in several]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("box", [(160, 0, 320, 240), (0, 120, 320, 240), (40, 60, 200, 180)])
async def test_prompts_are_in_pixels_of_the_original(family: Family, box: Box) -> None:
    made = await family.prompt(jpeg(2), Prompt(box=box), several=True)
    left, top, right, bottom = made.parts[-1].box
    # The picture is worked on at a fifth of its size.
    assert left >= box[0] - 5
    assert top >= box[1] - 5
    assert right <= box[2] + 5
    assert bottom <= box[3] + 5
    assert bits_of(made.parts[-1], made)[int(box[1] + box[3]) // 2, int(box[0] + box[2]) // 2]


@pytest.mark.parametrize(("prompt", "field"), PROMPT_ERRORS.values(), ids=PROMPT_ERRORS)
async def test_what_is_wrong_with_a_prompt_is_told_before_any_work(
    family: Family, prompt: Prompt, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await family.prompt(jpeg(1), prompt)
    assert list(refused.value.fields) == [field]
    assert family.segmenter.encoded == 0
    await family.prompt(jpeg(1))
    with pytest.raises(InvalidInput) as refused:
        await family.prompt(jpeg(1), prompt)
    assert list(refused.value.fields) == [field]


async def test_a_whole_box_and_the_last_pixel_are_within(family: Family) -> None:
    await family.prompt(jpeg(1), Prompt((Point(0, 0), Point(319.9, 239.9)), (0, 0, 320, 240)))


@pytest.mark.parametrize(
    ("image", "error"),
    [(b"", InvalidInput), (b"hello", UnsupportedMedia), (jpeg(1)[:900], Unprocessable)],
)
async def test_bad_images_are_told(family: Family, image: bytes, error: type[FacetError]) -> None:
    with pytest.raises(error):
        await family.image(image)
    with pytest.raises(error):
        await family.prompt(image)


async def test_a_picture_is_encoded_once_for_all_that_is_asked_of_it(family: Family) -> None:
    assert not (await family.prompt(jpeg(1))).encoding_reused
    assert (await family.prompt(jpeg(1), Prompt((Point(5, 5),)))).encoding_reused
    await family.image(jpeg(1))
    assert family.segmenter.encoded == 1
    assert not (await family.prompt(jpeg(2))).encoding_reused
    assert family.segmenter.encoded == 2


async def test_equal_pictures_in_flight_are_encoded_once(family: Family) -> None:
    made = await asyncio.gather(*(family.prompt(jpeg(1)) for _ in range(8)))
    assert family.segmenter.encoded == 1
    assert len({each.parts[0].counts.tobytes() for each in made}) == 1


async def test_the_oldest_encoding_goes_first(family: Family) -> None:
    for seed in (1, 2, 3, 4, 1, 5):
        await family.prompt(jpeg(seed))
    assert (await family.prompt(jpeg(1))).encoding_reused
    assert not (await family.prompt(jpeg(2))).encoding_reused


async def test_over_the_bound_calls_are_refused(family: Family) -> None:
    family.segmenter.gate.clear()
    calls = [asyncio.create_task(family.prompt(jpeg(seed))) for seed in range(12)]
    done, waiting = await asyncio.wait(calls, timeout=1)
    assert len(done) == 4
    assert all(isinstance(call.exception(), Overloaded) for call in done)
    family.segmenter.gate.set()
    assert len(await asyncio.gather(*waiting)) == 8


async def test_of_a_caller_who_leaves_no_further_points_are_asked(family: Family) -> None:
    await family.prompt(jpeg(1))
    family.segmenter.gate.clear()
    family.segmenter.entered.clear()
    call = asyncio.create_task(family.image(jpeg(1), side=32))
    await asyncio.to_thread(family.segmenter.entered.wait, 30)
    call.cancel()
    await asyncio.wait([call])
    family.segmenter.gate.set()
    await family.prompt(jpeg(1))
    assert family.segmenter.asked == [16]


async def test_a_prompt_comes_between_the_points_of_another_call(family: Family) -> None:
    await family.prompt(jpeg(1))
    family.segmenter.gate.clear()
    family.segmenter.entered.clear()
    call = asyncio.create_task(family.image(jpeg(1), side=32))
    await asyncio.to_thread(family.segmenter.entered.wait, 30)
    prompt = asyncio.create_task(family.prompt(jpeg(1)))
    await asyncio.sleep(0)
    family.segmenter.gate.set()
    await prompt
    assert not call.done()
    await call
    assert sum(family.segmenter.asked) == 1024


async def test_the_deadline_ends_a_call(family: Family) -> None:
    family.segmenter.gate.clear()
    with pytest.raises(Deadline):
        async with deadlines.within(0.3):
            await family.image(jpeg(1))
    family.segmenter.gate.set()
    assert (await family.image(jpeg(1))).parts


async def test_without_a_model_nothing_is_answered() -> None:
    family = Family()
    with pytest.raises(NotReady, match="the segmentation model is not ready: loading"):
        await family.image(png(1))
    with pytest.raises(NotReady):
        await family.prompt(png(1))
    await family.batcher.close()


@pytest.mark.parametrize(
    ("size", "worked"),
    [
        ((320, 240), (64, 48)),
        ((240, 320), (48, 64)),
        ((640, 2), (64, 1)),
        ((30, 20), (30, 20)),
        ((64, 64), (64, 64)),
        ((3000, 2000), (64, 43)),
    ],
)
def test_pictures_are_reduced_to_what_the_model_sees(
    size: tuple[int, int], worked: tuple[int, int]
) -> None:
    picture = reduced(jpeg(1, *size), 64, limits=ImageLimits())
    assert (picture.width, picture.height) == size
    assert picture.pixels.shape == (worked[1], worked[0], 3)
