"""One contract for every painter: Stable Diffusion on random weights, and the fake."""

from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from tests.contracts.captioners import picture
from tests.contracts.painters import PAINTERS, loaded
from vision_models.domain import Pixels
from vision_models.generation_domain import Drawing, Painter, Sampling

SAMPLING = Sampling(64, 48, 4, 7.5, "pndm")
SAME = 1
"""How far a sample of 0 to 255 may be from what it is alone."""


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "painters"


@pytest.fixture(params=PAINTERS)
def painter(request: pytest.FixtureRequest, models_dir: Path) -> Painter:
    return loaded(models_dir, request.param)


def drawing(seed: int = 1, prompt: str = "a gold ring", sampling: Sampling = SAMPLING) -> Drawing:
    start = picture(7) if sampling.strength is not None else None
    return Drawing(prompt, "", seed, sampling, start)


def drawn(painter: Painter, each: Drawing) -> Pixels:
    [pixels] = painter.draw([each])
    assert isinstance(pixels, np.ndarray)
    return pixels


def distance(one: Pixels, other: Pixels) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


def test_a_picture_has_the_size_asked_for(painter: Painter) -> None:
    pixels = drawn(painter, drawing())
    assert pixels.shape == (48, 64, 3)
    assert pixels.dtype == np.uint8
    assert pixels.std() > 1


def test_the_same_seed_draws_the_same_picture(painter: Painter) -> None:
    assert distance(drawn(painter, drawing()), drawn(painter, drawing())) == 0


@pytest.mark.parametrize(
    "other",
    [
        drawing(seed=2),
        drawing(prompt="a horse on the moon"),
        replace(drawing(), negative_prompt="blurred, dark"),
        drawing(sampling=replace(SAMPLING, steps=9)),
        drawing(sampling=replace(SAMPLING, guidance_scale=20.0)),
        drawing(sampling=replace(SAMPLING, scheduler="euler")),
    ],
    ids=["seed", "prompt", "negative-prompt", "steps", "guidance", "scheduler"],
)
def test_everything_asked_for_changes_the_picture(painter: Painter, other: Drawing) -> None:
    assert distance(drawn(painter, drawing()), drawn(painter, other)) > SAME


@pytest.mark.parametrize("strength", [None, 0.6])
def test_a_batch_equals_its_pictures_alone(painter: Painter, strength: float | None) -> None:
    sampling = replace(SAMPLING, strength=strength)
    prompts = ("a ring", "a long silver necklace on a table", "moon", "a ring")
    batch = [
        drawing(seed, prompt, sampling)
        for seed, prompt in zip((1, 5, 2**32 - 1, 3), prompts, strict=True)
    ]
    for together, each in zip(painter.draw(batch), batch, strict=True):
        assert isinstance(together, np.ndarray)
        assert distance(together, drawn(painter, each)) <= SAME


def test_every_scheduler_draws_with_any_number_of_steps(painter: Painter) -> None:
    for scheduler in painter.schedulers:
        for steps in (1, 2, 7):
            sampling = replace(SAMPLING, scheduler=scheduler, steps=steps)
            alone = drawn(painter, drawing(1, "ring", sampling))
            first, _ = painter.draw([drawing(seed, "ring", sampling) for seed in (1, 2)])
            assert isinstance(first, np.ndarray)
            assert distance(first, alone) <= SAME


def test_a_picture_to_start_from_matters_the_less_the_stronger(painter: Painter) -> None:
    sampling = replace(SAMPLING, strength=0.5)
    one = Drawing("a ring", "", 1, sampling, picture(1))
    other = replace(one, start=picture(2, width=33, height=90))
    assert distance(drawn(painter, one), drawn(painter, other)) > SAME


def test_there_is_always_a_step_however_weak(painter: Painter) -> None:
    for scheduler in painter.schedulers:
        for steps, strength in ((1, 0.5), (2, 0.2), (49, 1e-6)):
            weak = Sampling(64, 64, steps, 7.5, scheduler, strength)
            assert drawn(painter, drawing(sampling=weak)).shape == (64, 64, 3)


def test_it_tells_what_it_reads_all_of(painter: Painter) -> None:
    assert painter.reads_all("a gold ring")
    assert painter.reads_all("")
    assert not painter.reads_all("gold " * 100)


def test_it_may_be_asked_what_it_reads_while_it_draws(painter: Painter) -> None:
    alone = drawn(painter, drawing())
    asking, done = Event(), Event()

    def ask() -> None:
        while not done.is_set():
            painter.reads_all("a gold ring with a very long description of its stones")
            asking.set()

    thread = Thread(target=ask)
    thread.start()
    asking.wait(30)
    try:
        pictures = [drawn(painter, drawing()) for _ in range(20)]
    finally:
        done.set()
        thread.join()
    assert max(distance(each, alone) for each in pictures) == 0


def test_steps_are_told_in_order_to_each_drawing(painter: Painter) -> None:
    told: dict[int, list[tuple[int, int]]] = {1: [], 2: []}

    def telling(seed: int) -> Drawing:
        def advance(step: int, steps: int, preview: Pixels | None) -> None:
            assert preview is None
            told[seed].append((step, steps))

        return replace(drawing(seed), advance=advance)

    painter.draw([telling(1), telling(2)])
    for steps in told.values():
        assert steps == sorted(steps)
        assert {1, 4} <= {step for step, _ in steps}
        assert {total for _, total in steps} == {4}


def test_previews_are_small_and_only_for_those_who_ask(painter: Painter) -> None:
    shown: list[Pixels] = []

    def advance(step: int, steps: int, preview: Pixels | None) -> None:
        if preview is not None:
            shown.append(preview)

    painter.draw([replace(drawing(), previews=True, advance=advance), drawing(2)])
    assert shown
    assert all(preview.shape[2] == 3 and max(preview.shape[:2]) <= 64 for preview in shown)
    assert all(preview.dtype == np.uint8 for preview in shown)


def test_all_abandoned_ends_within_a_step(painter: Painter) -> None:
    gone, steps = Event(), []

    def advance(step: int, total: int, preview: Pixels | None) -> None:
        steps.append(step)
        if step == 3:
            gone.set()

    sampling = replace(SAMPLING, steps=40)
    leaving = replace(drawing(1, "ring", sampling), advance=advance, abandoned=gone)
    assert (
        painter.draw([leaving, replace(drawing(2, "ring", sampling), abandoned=gone)]) == [None] * 2
    )
    assert max(steps) == 3


def test_one_abandoned_takes_nothing_from_the_other(painter: Painter) -> None:
    gone = Event()
    gone.set()
    nothing, kept = painter.draw([replace(drawing(1), abandoned=gone), drawing(2)])
    assert nothing is None
    assert isinstance(kept, np.ndarray)
    assert distance(kept, drawn(painter, drawing(2))) <= SAME
