"""Segmentation by a real process: bad checkpoints, and callers who leave."""

import asyncio
import pickle
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import torch

from facet.vision.v1 import segmentation_pb2, segmentation_pb2_grpc
from facetkit.client import RpcClient
from facetkit.errors import NotReady
from facetkit.health import Health
from tests.faults.vision_process import VisionProcess
from tests.pictures import jpeg
from vision_models.demo import RECIPES
from vision_models.random_models import ensure

pytestmark = pytest.mark.slow

SERVICE_NAME = "facet.vision.v1.SegmentationService"
CALL_S = 120


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.getbasetemp() / "segmentation-models"
    made.mkdir(exist_ok=True)
    return made


@asynccontextmanager
async def running(tmp_path: Path, models_dir: Path, **variables: str) -> AsyncIterator[RpcClient]:
    """vision-models with the family segmentation, once it has loaded the model or failed."""
    families = {"VISION_FAMILIES": "segmentation", "REDIS_HOST": "none"}
    process = VisionProcess(tmp_path, models_dir, **families | variables).start()
    try:
        async with process.rpc("liveness") as rpc:
            while (await rpc.health(SERVICE_NAME)).reason in ("loading", "starting"):
                await asyncio.sleep(0.1)
            yield rpc
    finally:
        process.stop()


class Evil:
    """Makes a file where it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.file,)


def a_pickle(checkpoint: Path, good: Path) -> None:
    checkpoint.write_bytes(pickle.dumps({"x": Evil(checkpoint.parent / "harm")}))


def a_pickle_in_torchs_layout(checkpoint: Path, good: Path) -> None:
    torch.save({"x": Evil(checkpoint.parent / "harm")}, checkpoint)


def wrong_keys(checkpoint: Path, good: Path) -> None:
    tensors = torch.load(good, weights_only=True)
    torch.save({f"model.{key}": tensor for key, tensor in tensors.items()}, checkpoint)


def ends_early(checkpoint: Path, good: Path) -> None:
    content = good.read_bytes()
    checkpoint.write_bytes(content[: len(content) // 2])


def prompt(image: bytes) -> segmentation_pb2.SegmentPromptRequest:
    point = segmentation_pb2.Point(x=10, y=10)
    return segmentation_pb2.SegmentPromptRequest(image=image, points=[point])


@pytest.mark.parametrize("spoil", [a_pickle, a_pickle_in_torchs_layout, wrong_keys, ends_early])
async def test_a_bad_checkpoint_is_named_and_nothing_of_it_is_run(
    tmp_path: Path, models_dir: Path, spoil: Callable[[Path, Path], None]
) -> None:
    good = next(ensure(models_dir, RECIPES["segmentation"]).glob("*.pth"))
    checkpoint = tmp_path / "sam.pth"
    spoil(checkpoint, good)
    full = {"FACET_MODELS": "full", "SEGMENTATION_MODEL": str(checkpoint)}
    async with running(tmp_path / "data", models_dir, **full) as rpc:
        health: Health = await rpc.health(SERVICE_NAME)
        stub = segmentation_pb2_grpc.SegmentationServiceStub(rpc.channel)
        with pytest.raises(NotReady) as refused:
            await rpc.call(stub.SegmentPrompt, prompt(jpeg(1)), timeout_s=CALL_S)
    print(refused.value.message)
    assert not health.ready
    assert refused.value.message == f"the segmentation model is not ready: {health.reason}"
    assert refused.value.retry_after_s
    assert not any(told in health.reason for told in ("see the log", str(tmp_path), "Traceback"))
    assert not (tmp_path / "harm").exists()


async def test_whoever_leaves_an_automatic_segmentation_frees_the_worker(
    tmp_path: Path, models_dir: Path
) -> None:
    async with running(tmp_path, models_dir) as rpc:
        stub = segmentation_pb2_grpc.SegmentationServiceStub(rpc.channel)
        image = jpeg(1, 640, 480)

        def everything() -> "asyncio.Task[segmentation_pb2.SegmentImageResponse]":
            request = segmentation_pb2.SegmentImageRequest(image=image, points_per_side=32)
            return asyncio.create_task(rpc.call(stub.SegmentImage, request, timeout_s=CALL_S))

        loop = asyncio.get_running_loop()
        began = loop.time()
        assert (await everything()).width == 640
        whole_s = loop.time() - began
        leaving = [everything() for _ in range(4)]
        await asyncio.sleep(whole_s / 4)
        for task in leaving:
            task.cancel()
        began = loop.time()
        await rpc.call(stub.SegmentPrompt, prompt(image), timeout_s=CALL_S)
        print(f"whole {whole_s:.1f} s, after four had left {loop.time() - began:.2f} s")
        assert loop.time() - began < whole_s
