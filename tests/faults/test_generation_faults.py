"""Pictures by a real process: callers who leave, callers side by side, and bad checkpoints."""

import asyncio
import pickle
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from facetkit.client import RpcClient
from facetkit.errors import NotReady
from tests.faults.generation_calls import SERVICE_NAME, GenerationCalls
from tests.faults.vision_process import VisionProcess
from vision_models.demo import RECIPES
from vision_models.random_models import ensure

pytestmark = pytest.mark.slow

EMBEDDING = "facet.vision.v1.EmbeddingService"
UNET = "unet/diffusion_pytorch_model.safetensors"
SAME = 1
"""How far a sample of 0 to 255 may be from what it is alone."""


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "generation-models"


@asynccontextmanager
async def running(tmp_path: Path, models_dir: Path, **variables: str) -> AsyncIterator[RpcClient]:
    """vision-models with the families embedding and generation, once it answers at all."""
    families = {"VISION_FAMILIES": "embedding,generation", "REDIS_HOST": "none"}
    process = VisionProcess(tmp_path, models_dir, **families | variables).start()
    try:
        async with process.rpc(EMBEDDING) as rpc:
            yield rpc
    finally:
        process.stop()


@pytest.fixture
async def calls(tmp_path: Path, models_dir: Path) -> AsyncIterator[GenerationCalls]:
    async with running(tmp_path, models_dir) as rpc:
        while not (await rpc.health(SERVICE_NAME)).ready:
            await asyncio.sleep(0.1)
        yield GenerationCalls(rpc)


async def test_eight_callers_side_by_side_get_each_their_own_picture(
    calls: GenerationCalls,
) -> None:
    asked = [
        {"seed": seed, "steps": 5 + 3 * (seed % 3), "prompt": f"a ring of {seed} stones"}
        for seed in range(8)
    ]
    alone = [await calls.draw(**each) for each in asked]
    rounds = [await asyncio.gather(*(calls.draw(**each) for each in asked)) for _ in range(4)]
    far = max(
        int(np.abs(together - single).max())
        for drawn in rounds
        for together, single in zip(drawn, alone, strict=True)
    )
    apart = min(
        int(np.abs(one - other).max())
        for index, one in enumerate(alone)
        for other in alone[index + 1 :]
    )
    print(f"32 pictures of 8 callers: at most {far} of 255 from alone, at least {apart} apart")
    assert far <= SAME < apart


async def steps_until(calls: GenerationCalls, leave_at: int, steps: int) -> float:
    """Seconds of one step, having left in the middle of so many."""
    told: list[float] = []
    async with aclosing(calls.events(steps=steps)) as events:
        async for event in events:
            if event.WhichOneof("event") == "progress":
                told.append(time.perf_counter())
                if event.progress.step >= leave_at:
                    break
    return (told[-1] - told[0]) / (len(told) - 1)


async def test_leaving_in_the_middle_of_50_steps_frees_the_worker(calls: GenerationCalls) -> None:
    await calls.draw(steps=50)
    for leave_at in (5, 25, 45):
        step_s = await steps_until(calls, leave_at, steps=150)
        left_at = time.perf_counter()
        async with aclosing(calls.events(steps=1, scheduler="euler")) as events:
            told = [event async for event in events]
        waited_s = time.perf_counter() - left_at
        print(
            f"left at step {leave_at} of 150: the next picture of one step was there"
            f" {waited_s / step_s:.1f} steps later"
        )
        assert told[-1].WhichOneof("event") == "generated"
        # What was left of the 150 steps would take many times as long.
        assert waited_s / step_s < (150 - leave_at) / 2


async def test_one_who_leaves_does_not_touch_the_others(calls: GenerationCalls) -> None:
    alone = [await calls.draw(seed=seed, steps=40) for seed in range(4)]
    keeping = [asyncio.create_task(calls.draw(seed=seed, steps=40)) for seed in range(4)]
    leaving = [asyncio.create_task(calls.draw(seed=seed, steps=40)) for seed in range(10, 14)]
    for task in leaving:
        await asyncio.sleep(0.2)
        task.cancel()
    drawn = await asyncio.gather(*keeping)
    for together, single in zip(drawn, alone, strict=True):
        assert np.abs(together - single).max() <= SAME


class Evil:
    """Makes a file where it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.file,)


def with_a_pickle(folder: Path) -> str:
    (folder / UNET).unlink()
    harm = pickle.dumps({"conv_in.weight": Evil(folder / "harm")})
    (folder / "unet/diffusion_pytorch_model.bin").write_bytes(harm)
    return "unet of sd holds no safetensors"


def with_wrong_keys(folder: Path) -> str:
    tensors = load_file(folder / UNET)
    save_file({f"model.{key}": tensor for key, tensor in tensors.items()}, folder / UNET)
    return "unet of sd lacks"


@pytest.mark.parametrize("spoil", [with_a_pickle, with_wrong_keys])
async def test_a_bad_checkpoint_takes_this_family_alone(
    tmp_path: Path, models_dir: Path, spoil: Callable[[Path], str]
) -> None:
    models_dir.mkdir(exist_ok=True)
    folder = tmp_path / "sd"
    shutil.copytree(ensure(models_dir, RECIPES["generation"]), folder)
    (folder / "manifest.json").unlink()
    reason = spoil(folder)
    clip = {
        "EMBEDDING_MODEL": str(ensure(models_dir, RECIPES["embedding"])),
        "ZERO_SHOT_MODEL": str(ensure(models_dir, RECIPES["zero-shot"])),
    }
    full = {"FACET_MODELS": "full", "GENERATION_MODEL": str(folder)} | clip
    async with running(tmp_path / "data", models_dir, **full) as rpc:
        health = await rpc.health(SERVICE_NAME)
        while health.reason == "loading":
            await asyncio.sleep(0.1)
            health = await rpc.health(SERVICE_NAME)
        with pytest.raises(NotReady) as refused:
            await GenerationCalls(rpc).draw()
    print(refused.value.message)
    assert health.reason.startswith(reason)
    assert refused.value.message == f"the generation model is not ready: {health.reason}"
    assert refused.value.retry_after_s
    assert str(tmp_path) not in refused.value.message
    assert not (folder / "harm").exists()
