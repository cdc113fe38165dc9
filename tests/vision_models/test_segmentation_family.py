"""The Segmentation family as the process has it: settings in, answers over gRPC out."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from facet.vision.v1 import segmentation_pb2, segmentation_pb2_grpc
from facetkit.client import RpcClient
from facetkit.errors import InvalidInput, NotReady
from facetkit.testing import Service, serving
from tests.pictures import jpeg
from vision_models import demo, random_models
from vision_models.domain import Lane
from vision_models.random_segmenter import FILE
from vision_models.segmentation_family import SegmentationFamily
from vision_models.segmentation_servicer import SERVICE_NAME, SegmentationServicer
from vision_models.settings import Settings

SEGMENTERS = {"segment-anything": "vision_models.models.sam:load"}


async def imported() -> None:
    """Everything is imported already."""


@asynccontextmanager
async def running(data_dir: Path, **settings: Any) -> AsyncIterator[SegmentationFamily]:
    """The family, loading or loaded."""
    made = Settings(facet_data_dir=data_dir, vision_dtype="fp32", **settings)
    family = SegmentationFamily(made, ThreadPoolExecutor(2), imported, Lock(), SEGMENTERS)
    keeping = asyncio.create_task(family.keep())
    yield family
    keeping.cancel()
    await family.close()


@asynccontextmanager
async def connected(family: SegmentationFamily) -> AsyncIterator[RpcClient]:
    add = segmentation_pb2_grpc.add_SegmentationServiceServicer_to_server
    servicer = SegmentationServicer(family.service)
    async with serving(Service(SERVICE_NAME, add, servicer)) as client:
        yield client


async def until_told(family: SegmentationFamily) -> str:
    """Why it is not ready, once that is known; empty when it is."""
    while (health := family.health).reason == "loading":
        await asyncio.sleep(0.02)
    return health.reason


@pytest.fixture(scope="session")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RpcClient]:
    async with running(tmp_path_factory.mktemp("data")) as family, connected(family) as made:
        assert await until_told(family) == ""
        assert family.health.ready
        yield made


async def segment_image(client: RpcClient, **fields: Any) -> segmentation_pb2.SegmentImageResponse:
    stub = segmentation_pb2_grpc.SegmentationServiceStub(client.channel)
    request = segmentation_pb2.SegmentImageRequest(**fields)
    answer: segmentation_pb2.SegmentImageResponse = await client.call(stub.SegmentImage, request)
    return answer


async def segment_prompt(
    client: RpcClient, **fields: Any
) -> segmentation_pb2.SegmentPromptResponse:
    stub = segmentation_pb2_grpc.SegmentationServiceStub(client.channel)
    request = segmentation_pb2.SegmentPromptRequest(**fields)
    answer: segmentation_pb2.SegmentPromptResponse = await client.call(stub.SegmentPrompt, request)
    return answer


async def test_the_model_says_that_it_is_random(client: RpcClient) -> None:
    stub = segmentation_pb2_grpc.SegmentationServiceStub(client.channel)
    request = segmentation_pb2.GetSegmentationModelRequest()
    answer = await client.call(stub.GetSegmentationModel, request)
    assert (answer.model.name, answer.model.model_set) == ("sam-vit-l", "demo-random")


async def test_all_parts_cross_the_wire(client: RpcClient) -> None:
    made = await segment_image(client, image=jpeg(2, 640, 480), max_masks=5)
    assert (made.width, made.height, made.model.name) == (640, 480, "sam-vit-l")
    assert len(made.masks) == 5
    areas = [mask.area for mask in made.masks]
    assert areas == sorted(areas, reverse=True)
    for mask in made.masks:
        assert sum(mask.counts) == 640 * 480
        assert sum(mask.counts[1::2]) == mask.area
        assert 0 <= mask.box.left < mask.box.right <= 640
        assert 0 <= mask.box.top < mask.box.bottom <= 480
        assert mask.predicted_iou > 0.88
        assert mask.stability >= 0.95
        xs, ys = mask.outer.coordinates[::2], mask.outer.coordinates[1::2]
        assert len(xs) == len(ys) >= 4
        assert mask.box.left <= min(xs) <= max(xs) <= mask.box.right
        assert mask.box.top <= min(ys) <= max(ys) <= mask.box.bottom


async def test_prompts_cross_the_wire(client: RpcClient) -> None:
    point = segmentation_pb2.Point(x=100, y=90)
    box = segmentation_pb2.Box(left=10, top=10, right=200, bottom=150)
    image = jpeg(3)
    one = await segment_prompt(client, image=image, points=[point])
    three = await segment_prompt(client, image=image, box=box, several=True)
    assert (len(one.masks), len(three.masks)) == (1, 3)
    assert (one.encoding_reused, three.encoding_reused) == (False, True)
    assert (one.width, one.height, one.model.name) == (320, 240, "sam-vit-l")


async def test_an_excluded_point_crosses_the_wire(client: RpcClient) -> None:
    point = segmentation_pb2.Point(x=100, y=90, excluded=True)
    with pytest.raises(InvalidInput) as refused:
        await segment_prompt(client, image=jpeg(3), points=[point])
    assert list(refused.value.fields) == ["points"]


async def test_a_field_out_of_range_is_named_to_the_caller(client: RpcClient) -> None:
    with pytest.raises(InvalidInput) as refused:
        await segment_image(client, image=jpeg(1), points_per_side=33)
    assert refused.value.fields == {"points_per_side": "must be 1 to 32"}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = random_models.ensure(tmp_path / "made", demo.RECIPES["segmentation"])
    return (folder / FILE).rename(tmp_path / "my_sam.pth")


async def test_a_checkpoint_of_ones_own_is_loaded_without_the_pinned_sha256(
    checkpoint: Path, tmp_path: Path
) -> None:
    chosen = {"facet_models": "full", "segmentation_model": str(checkpoint)}
    async with running(tmp_path, **chosen) as family:
        assert await until_told(family) == ""
        assert (family.service.model.name, family.service.model.model_set) == ("my_sam", "full")


async def test_a_checkpoint_with_a_sha256_of_ones_own_is_checked(
    checkpoint: Path, tmp_path: Path
) -> None:
    chosen = {"facet_models": "full", "segmentation_model": str(checkpoint)}
    async with running(tmp_path, **chosen, segmentation_sha256="0" * 64) as family:
        told = await until_told(family)
        assert told == "my_sam.pth differs from the SHA-256 that is set for it"
        with pytest.raises(NotReady, match=f"the segmentation model is not ready: {told}"):
            await family.service.segment_image(jpeg(1), 0, 0, Lane.INTERACTIVE)


async def test_a_damaged_checkpoint_is_told(checkpoint: Path, tmp_path: Path) -> None:
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    chosen = {"facet_models": "full", "segmentation_model": str(checkpoint)}
    async with running(tmp_path, **chosen) as family:
        assert await until_told(family) == "the checkpoint of my_sam is damaged"
        assert not family.health.ready
